"""1:1 verification of a face against its profile, and 1:N duplicate check against the gallery."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from profiles.documents import Profile, vector_from_bytes
from profiles.errors import LooksLikeAnother, NotTheSamePerson
from profiles.gallery import load_gallery
from profiles.photo_check import CheckedPhoto
from storage.errors import ModelMismatch


def verify_same_person(profile: Profile, photo: CheckedPhoto) -> None:
    """Reject a face below the same-person threshold, or more similar to another profile.

    Raise NotTheSamePerson or LooksLikeAnother. The threshold is the embedder's cosine similarity.
    """
    own = float(vector_from_bytes(profile.template) @ photo.face.vector)
    if own < photo.same_person_threshold:
        raise NotTheSamePerson(
            f"The face does not look like {profile.user_id}: "
            f"similarity {own:.3f} < {photo.same_person_threshold:g}.",
            similarity=round(own, 4),
        )
    reject_duplicates(profile.user_id, photo, nearer_than=own)


def reject_duplicates(user_id: str, photo: CheckedPhoto, *, nearer_than: float) -> None:
    """Raise LooksLikeAnother for a face that matches another profile.

    The match must reach the embedder's same-person threshold and exceed ``nearer_than``, a cosine
    similarity.
    """
    table = load_gallery(photo.embedder)
    other, similarity = _most_similar_other(
        user_id, table.user_ids, table.templates, photo.face.vector
    )
    if other and similarity >= photo.same_person_threshold and similarity > nearer_than:
        raise LooksLikeAnother(
            f"The face looks like {other}: "
            f"similarity {similarity:.3f} >= {photo.same_person_threshold:g}.",
            user_id=other,
            similarity=round(similarity, 4),
        )


def reject_model_mix(profile: Profile, photo: CheckedPhoto, *, replaces: bool) -> None:
    """Raise ModelMismatch instead of mixing vectors of two embedders in one template."""
    if not replaces:
        raise ModelMismatch(
            f"{profile.user_id} has photos read with {profile.embedder}, and "
            f"{photo.embedder} is current; send a photo with mode=replace and force=true.",
            stored=profile.embedder,
            in_force=photo.embedder,
        )


def _most_similar_other(
    user_id: str,
    user_ids: Sequence[str],
    templates: NDArray[np.float32],
    vector: NDArray[np.float32],
) -> tuple[str, float]:
    """Return the most similar other profile and its cosine similarity; "" if there is none."""
    if not user_ids:
        return "", -1.0
    similarities = templates @ vector
    if user_id in user_ids:
        similarities[user_ids.index(user_id)] = -np.inf
    best = int(np.argmax(similarities))
    found = "" if user_ids[best] == user_id else user_ids[best]
    return found, float(similarities[best])

"""Write and remove reference photos: the document, the photo as received, and the face crop.

The document is written first and removed last, so every file belongs to a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from django.utils import timezone

from profiles.documents import (
    Profile,
    ProfileState,
    ReferencePhoto,
    reference_sort_key,
    vector_from_bytes,
    vector_to_bytes,
)
from profiles.gallery import mark_profiles_changed, mean_template
from profiles.photo_check import CheckedPhoto
from storage.mongo import bulk_delete
from storage.pictures import PictureStore
from vision import encode_crop


@dataclass(frozen=True)
class ProfileStores:
    """The stores of reference photos and of their face crops."""

    photos: PictureStore
    crops: PictureStore


def write_reference(
    user_id: str, photo: CheckedPhoto, *, stores: ProfileStores, by: str, fence: int
) -> ReferencePhoto:
    """Write the document, the photo and its crop; the photo is not active yet."""
    face, reference_id = photo.face, str(uuid4())
    reference = ReferencePhoto(
        id=reference_id,
        user_id=user_id,
        sort_key=reference_sort_key(user_id, reference_id),
        digest=photo.digest,
        vector=vector_to_bytes(face.vector),
        embedder=photo.embedder,
        model=photo.model,
        bbox=[float(side) for side in face.bbox],
        confidence=float(face.confidence),
        size=float(face.quality.size),
        blur=float(face.quality.blur),
        pose=float(face.quality.pose),
        quality_score=float(face.quality.score),
        width=photo.width,
        height=photo.height,
        created_at=timezone.now(),
        added_by=by,
        fence=fence,
    )
    reference.save(force_insert=True)
    stores.photos.save(reference_id, photo.data)
    stores.crops.save(reference_id, encode_crop(face.crop))
    return reference


def discard_references(ids: Sequence[str], *, stores: ProfileStores) -> None:
    """Remove inactive photos: files before documents, so every file belongs to a document."""
    stores.photos.delete(ids)
    stores.crops.delete(ids)
    bulk_delete(ReferencePhoto, ids)


def activate_profile(user_id: str) -> Any:
    """Return a query for the profile that matches only if it is not being erased."""
    return Profile.objects(user_id=user_id, state=ProfileState.ACTIVE)


def switch_photos(profile: Profile, references: Sequence[ReferencePhoto]) -> Profile | None:
    """Set the active photos by one compare-and-set; None if the profile changed meanwhile."""
    as_read = {"version": profile.version, "origin": profile.origin}
    switched: Profile | None = (
        activate_profile(profile.user_id)
        .filter(**as_read)
        .modify(
            new=True,
            inc__version=1,
            set__updated_at=timezone.now(),
            **{f"set__{name}": value for name, value in summarise_photos(references).items()},
        )
    )
    mark_profiles_changed()
    return switched


def summarise_photos(references: Sequence[ReferencePhoto]) -> dict[str, Any]:
    """Return the fields of a profile that derive from its photos: template and best quality."""
    best = max(references, key=lambda one: one.quality_score)
    vectors = np.stack([vector_from_bytes(one.vector) for one in references])
    quality = np.array([one.quality_score for one in references], np.float32)
    return {
        "references": [one.id for one in references],
        "template": vector_to_bytes(mean_template(vectors, quality)),
        "embedder": best.embedder,
        "model": best.model,
        "dimension": vectors.shape[1],
        "confidence": best.confidence,
        "quality_score": best.quality_score,
    }

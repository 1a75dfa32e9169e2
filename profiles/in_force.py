"""Which photos of a person are in force: what a profile says of them, and how that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.utils import timezone

from profiles.documents import Profile, ProfileState, ReferencePhoto, vector_bytes, vector_of
from profiles.template import template_of
from profiles.template_table import profiles_changed


def profile_active(user_id: str) -> Any:
    """Return the query for a profile that is not being erased."""
    return Profile.objects(user_id=user_id, state=ProfileState.ACTIVE)


def photos_switch(profile: Profile, references: Sequence[ReferencePhoto]) -> Profile | None:
    """Put photos in force by one compare-and-set; None if the profile is not as it was read."""
    as_read = {"version": profile.version, "origin": profile.origin}
    switched: Profile | None = (
        profile_active(profile.user_id)
        .filter(**as_read)
        .modify(
            new=True,
            inc__version=1,
            set__updated_at=timezone.now(),
            **{f"set__{name}": value for name, value in photos_summary(references).items()},
        )
    )
    profiles_changed()
    return switched


def photos_summary(references: Sequence[ReferencePhoto]) -> dict[str, Any]:
    """Return what a profile says of its photos: the template, and the best one's quality."""
    best = max(references, key=lambda one: one.quality_score)
    vectors = np.stack([vector_of(one.vector) for one in references])
    quality = np.array([one.quality_score for one in references], np.float32)
    return {
        "references": [one.id for one in references],
        "template": vector_bytes(template_of(vectors, quality)),
        "embedder": best.embedder,
        "model": best.model,
        "dimension": vectors.shape[1],
        "confidence": best.confidence,
        "quality_score": best.quality_score,
    }

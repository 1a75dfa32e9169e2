"""Open what profiles are kept in and judged with; only the edges ask."""

from __future__ import annotations

from profiles.photos import ProfileStores
from storage.crops import face_crops, reference_photos


def profile_stores() -> ProfileStores:
    """Return the stores of reference photos and of the faces cut out of them."""
    return ProfileStores(photos=reference_photos(), crops=face_crops())

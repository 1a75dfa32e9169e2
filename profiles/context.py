"""Open the stores of profiles; called by views, commands and tasks only."""

from __future__ import annotations

from profiles.reference_photos import ProfileStores
from storage.pictures import face_crop_store, reference_photo_store


def profile_stores() -> ProfileStores:
    """Return the stores of reference photos and of face crops."""
    return ProfileStores(photos=reference_photo_store(), crops=face_crop_store())

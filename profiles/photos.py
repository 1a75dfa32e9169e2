"""Keep and remove reference photos: the document, the photo as it was sent, the face cut out of it.

The document is written first and removed last, so that no file is left without somebody's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.utils import timezone

from profiles.documents import ReferencePhoto, reference_place, vector_bytes
from profiles.judgement import JudgedPhoto
from storage.crops import CropStore
from storage.mongo import bulk_delete
from vision import crop_encode


@dataclass(frozen=True)
class ProfileStores:
    """Where the photos of known people lie, and the faces cut out of them."""

    photos: CropStore
    crops: CropStore


def reference_write(
    user_id: str, photo: JudgedPhoto, *, stores: ProfileStores, by: str, fence: int
) -> ReferencePhoto:
    """Write a photo, its crop and what is known of it; nothing of it is in force yet."""
    face, reference_id = photo.face, str(uuid4())
    reference = ReferencePhoto(
        id=reference_id,
        user_id=user_id,
        place=reference_place(user_id, reference_id),
        digest=photo.digest,
        vector=vector_bytes(face.vector),
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
    stores.crops.save(reference_id, crop_encode(face.crop))
    return reference


def references_discard(ids: Sequence[str], *, stores: ProfileStores) -> None:
    """Remove photos that are not in force: files first, so that nothing is left without a name."""
    stores.photos.delete(ids)
    stores.crops.delete(ids)
    bulk_delete(ReferencePhoto, ids)

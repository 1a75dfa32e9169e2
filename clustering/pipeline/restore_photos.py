"""Read photos again and write only the lost documents, vectors and crops of their faces.

The same photo and models give the same ids, so a lost document, vector or crop can be recomputed.
Existing records keep their content, including reviewers' verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
from django.utils import timezone

from clustering.context import PipelineContext
from clustering.documents import Face, Image, Run
from clustering.pipeline.read_photos import (
    DetectedPhoto,
    Photo,
    detect_photos,
    face_payloads,
    new_face,
    new_image,
    read_photos,
)
from clustering.selectors import get_faces_by_id
from storage.mongo import bulk_upsert
from vision import DetectedFace, encode_crop

PHOTOS_AT_ONCE = 100
CHANGED = "changed"
OTHER_MODEL = "other_model"
VANISHED = "vanished"


@dataclass(frozen=True)
class Lost:
    """Ids of faces whose vector or crop is lost; lost documents are detected while reading."""

    vectors: AbstractSet[str]
    crops: AbstractSet[str]


@dataclass
class Restored:
    """Result: counts, the faces each photo has now, and why some photos were not used."""

    photos: int = 0
    documents: int = 0
    faces: set[str] = field(default_factory=set)
    found: dict[str, set[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def restore_photos(
    keys: Sequence[str],
    *,
    lost: Lost,
    run: Run,
    context: PipelineContext,
    check: Callable[[], None],
) -> Restored:
    """Read photos and write lost records; ``check`` runs before each write and may raise to stop.

    A photo that is gone, unreadable, or has other content than its image document is not used.
    """
    done = Restored()
    for first in range(0, len(keys), PHOTOS_AT_ONCE):
        chunk = keys[first : first + PHOTOS_AT_ONCE]
        ids = [Image.id_for(run.collection, key) for key in chunk]
        images = {image.key: image for image in Image.objects(id__in=ids)}
        for photos in read_photos([(key, "") for key in chunk], known={}, context=context):
            seen = detect_photos(photos, context=context)
            usable = [
                (photo, faces) for photo, faces in seen if _is_usable(photo, images, run, done)
            ]
            for photo, faces in seen:
                if photo.refusal is None:
                    done.found[photo.key] = set(_ids(photo, faces, run=run))
            check()
            _write_lost(usable, images, lost=lost, run=run, context=context, done=done)
    return done


def _is_usable(photo: Photo, images: Mapping[str, Image], run: Run, done: Restored) -> bool:
    """Return whether a photo is the stored one; record the reason in ``done.failed`` if not."""
    image = images.get(photo.key)
    if photo.refusal is not None:
        done.failed[photo.key] = photo.refusal.code
    elif image is not None and image.digest != photo.digest:
        done.failed[photo.key] = CHANGED
    elif image is not None and image.model != run.model:
        done.failed[photo.key] = OTHER_MODEL
    return photo.key not in done.failed


def _write_lost(
    seen: list[DetectedPhoto],
    images: Mapping[str, Image],
    *,
    lost: Lost,
    run: Run,
    context: PipelineContext,
    done: Restored,
) -> None:
    """Write lost records of photos, in this order: crop, vector, face, image."""
    now = timezone.now()
    pairs: list[tuple[Face, DetectedFace]] = []
    for photo, faces in seen:
        image = images.get(photo.key)
        face_count = len(faces) if image is None else image.faces
        pairs += [
            (new_face(face, photo, run=run, index=index, now=now), face)
            for index, face in enumerate(faces[:face_count])
        ]
    stored = get_faces_by_id([face.id for face, _ in pairs])
    new = [face for face, _ in pairs if face.id not in stored]
    fresh = {face.id for face in new}
    for face, detected in pairs:
        if face.id in fresh or face.id in lost.crops:
            context.crops.save(face.id, encode_crop(detected.crop))
            done.faces.add(face.id)
    without = [
        (stored.get(face.id, face), detected.vector)
        for face, detected in pairs
        if face.id in fresh or face.id in lost.vectors
    ]
    if without:
        documents = [face for face, _ in without]
        context.vectors.upsert(
            run.embedder,
            [face.id for face in documents],
            np.stack([vector for _, vector in without]),
            face_payloads(documents, run=run),
        )
        done.faces.update(face.id for face in documents)
    bulk_upsert(Face, new)
    lost_images = [
        new_image(photo, run=run, faces=len(faces))
        for photo, faces in seen
        if photo.key not in images
    ]
    for image in lost_images:
        image.looked_at = now
    bulk_upsert(Image, lost_images)
    done.photos += len(seen)
    done.documents += len(new)


def _ids(photo: Photo, faces: list[DetectedFace], *, run: Run) -> list[str]:
    return [
        Face.id_for(run.collection, photo.key, digest=photo.digest, model=run.model, index=index)
        for index in range(len(faces))
    ]

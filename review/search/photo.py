"""Search by photo: compare each face with the profiles and the stored clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assignments.selectors import list_erased_people
from profiles.gallery import load_gallery
from profiles.photo_check import Engine, list_quality_checks
from review.search.clusters import ClusterHit, ClusterSearch
from review.search.people import PersonHit, search_people
from storage.vectors import VectorStore
from vision import DetectedFace, QualityThresholds, rejection_reason


@dataclass(frozen=True, eq=False)
class FaceResult:
    """A face in the photo: its quality checks, why it was not searched (or None), and the hits."""

    face: DetectedFace
    checks: list[str]
    reason: str | None
    people: list[PersonHit]
    clusters: list[ClusterHit]


@dataclass(frozen=True, eq=False)
class PhotoResult:
    """The size of the upright photo in px, and its faces.

    ``other_profiles`` and ``other_collections`` were not compared, because of another embedder.
    """

    width: int
    height: int
    embedder: str
    faces: list[FaceResult]
    other_profiles: int
    other_collections: int


def search_photo(
    data: bytes,
    *,
    engine: Engine,
    thresholds: QualityThresholds,
    vectors: VectorStore,
    limit: int,
    collection: str | None = None,
) -> PhotoResult:
    """Return the faces of a photo with the most similar people and clusters; stores nothing."""
    clusters = ClusterSearch(vectors, embedder=engine.embedder_id, collection=collection)
    table = load_gallery(engine.embedder_id)
    image = engine.decode(data)
    [faces] = engine.faces([image])
    reasons = [rejection_reason(face.quality, thresholds) for face in faces]
    used = [face for face, reason in zip(faces, reasons, strict=True) if reason is None]
    embeddings = np.stack([face.vector for face in used]) if used else np.zeros((0, 0), np.float32)
    found = search_people(embeddings, table, embedder=engine.embedder_id, limit=limit)
    people = iter(_without_erased(found))
    return PhotoResult(
        width=image.width,
        height=image.height,
        embedder=engine.embedder_id,
        faces=[
            FaceResult(
                face=face,
                checks=list_quality_checks(face, thresholds),
                reason=reason,
                people=[] if reason else next(people),
                clusters=[] if reason else clusters.nearest(face.vector, limit=limit),
            )
            for face, reason in zip(faces, reasons, strict=True)
        ],
        other_profiles=table.others,
        other_collections=clusters.others,
    )


def _without_erased(found: list[list[PersonHit]]) -> list[list[PersonHit]]:
    """Leave out people whose erasure began after their templates were read."""
    erased = list_erased_people(hit.user_id for hits in found for hit in hits)
    return [[hit for hit in hits if hit.user_id not in erased] for hits in found]

"""Export a run's faces as rows, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from clustering.documents import Face, Member, Run
from clustering.selectors import get_faces_by_id, iter_member_slices

SLICE = 100  # faces per query


class ExportedFace(TypedDict):
    """A face and its cluster; `bbox` is x, y, width, height in the upright photo."""

    clustering_id: str
    cluster_id: str
    face_id: str
    image_path: str
    bbox: list[float]
    confidence: float
    quality: float
    similarity: float
    verdict: str


class ExportedClusters(TypedDict):
    """All faces of a run, cluster by cluster."""

    clustering_id: str
    bucket_path: str
    faces: list[ExportedFace]


def iter_export_rows(run: Run) -> Iterator[ExportedFace]:
    """Yield the faces of a run, cluster by cluster, the most typical first in each."""
    for members in iter_member_slices(run, size=SLICE):
        faces = get_faces_by_id([member.face for member in members])
        yield from (_row(run, one, faces[one.face]) for one in members if one.face in faces)


def _row(run: Run, member: Member, face: Face) -> ExportedFace:
    """Return one face."""
    return {
        "clustering_id": run.id,
        "cluster_id": member.cluster,
        "face_id": face.id,
        "image_path": face.key,
        "bbox": list(face.bbox),
        "confidence": face.confidence,
        "quality": face.quality_score,
        "similarity": member.similarity,
        "verdict": face.verdict.value,
    }

"""Responses about the faces of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from django.urls import reverse

from clustering.answers.runs import without_repetitions
from clustering.documents import Cluster, Face, Member, Run
from web.rest import format_time


class ClusterFace(TypedDict):
    """A face as a member of a cluster; `bbox` is x, y, width, height in the upright photo."""

    face_id: str
    image_path: str
    confidence: float
    quality_score: float
    bbox: list[float]
    similarity: float
    embedding_available: bool
    embedding_size: int
    timestamp: str
    crop_url: str
    image_url: str
    verdict: str
    put_by: str


class ClusterFaces(TypedDict):
    """A page of a cluster's faces, the most typical first; counts are of the whole cluster.

    `person` is the cluster's identity, which is stable across runs. A decision about the cluster
    sends the `version` that the client has read. `covers` are the faces to show for the cluster,
    the chosen one or the best first.
    """

    clustering_id: str
    cluster_id: str
    bucket_path: str
    total_faces: int
    cluster_size: int
    cohesion: float
    person: str
    version: int
    covers: list[str]
    faces: list[ClusterFace]
    image_paths: list[str]
    face_ids: list[str]
    embeddings_in_qdrant: int
    next: str | None


def cluster_details_json(
    run: Run,
    cluster: Cluster,
    members: Sequence[Member],
    faces: Mapping[str, Face],
    *,
    next_cursor: str | None,
) -> ClusterFaces:
    """Return the response for one page of a cluster's faces."""
    shown = [(member, faces[member.face]) for member in members if member.face in faces]
    return {
        "clustering_id": run.id,
        "cluster_id": cluster.label,
        "bucket_path": run.collection,
        "total_faces": cluster.face_count,
        "cluster_size": cluster.image_count,
        "cohesion": cluster.cohesion,
        "person": cluster.person,
        "version": cluster.version,
        "covers": list(cluster.covers),
        "faces": [face_json(face, member, dimension=run.dimension) for member, face in shown],
        "image_paths": without_repetitions(face.key for _, face in shown),
        "face_ids": [face.id for _, face in shown],
        "embeddings_in_qdrant": len(shown),
        "next": next_cursor,
    }


def face_json(face: Face, member: Member, *, dimension: int) -> ClusterFace:
    """Return the response for a face as a member of a cluster."""
    return {
        "face_id": face.id,
        "image_path": face.key,
        "confidence": face.confidence,
        "quality_score": face.quality_score,
        "bbox": list(face.bbox),
        "similarity": member.similarity,
        "embedding_available": True,
        "embedding_size": dimension,
        "timestamp": format_time(face.created_at),
        "crop_url": reverse("face_crop", kwargs={"face_id": face.id}),
        "image_url": reverse("face_image", kwargs={"face_id": face.id}),
        "verdict": face.verdict.value,
        "put_by": member.put_by,
    }

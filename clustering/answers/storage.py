"""How documents, vectors and crops of a collection fit together."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from clustering.documents import NOISE
from clustering.pipeline.verification import Repair, StorageReport

IDS_SHOWN = 1000


class DocumentCounts(TypedDict):
    """What the document store holds."""

    total_metadata_entries: int
    faces_with_embeddings: int
    faces_without_embeddings: int


class VectorCounts(TypedDict):
    """What the vector store holds."""

    total_embeddings: int
    clusters_with_embeddings: int
    noise_embeddings: int
    cluster_distribution: dict[str, int]


class ConsistencyCheck(TypedDict):
    """What fits and what does not; lists hold at most 1000 ids."""

    matching_face_ids: int
    mongodb_only: int
    qdrant_only: int
    total_consistency: bool
    mongodb_only_ids: list[str]
    qdrant_only_ids: list[str]
    wrong_dimension: int
    wrong_model: int
    wrong_cluster: int
    missing_crops: int


class RepairDone(TypedDict):
    """What a repair did."""

    vectors_removed: int
    photos_read_again: int
    faces_recomputed: int


class StorageComparison(TypedDict):
    """Documents, vectors and crops of a collection held against each other."""

    clustering_id: str
    bucket_path: str
    storage_architecture: str
    mongodb_stats: DocumentCounts
    qdrant_stats: VectorCounts
    consistency_check: ConsistencyCheck
    architecture_working: bool
    repair: NotRequired[RepairDone]


def storage_json(report: StorageReport, repair: Repair | None = None) -> StorageComparison:
    """Return a comparison of the stores, with what a repair did."""
    in_clusters = {label: n for label, n in report.clusters.items() if label != NOISE}
    body: StorageComparison = {
        "clustering_id": report.clustering_id,
        "bucket_path": report.bucket_path,
        "storage_architecture": "MongoDB: metadata; Qdrant: vectors; Django storage: crops",
        "mongodb_stats": {
            "total_metadata_entries": report.faces,
            "faces_with_embeddings": report.matching,
            "faces_without_embeddings": len(report.mongodb_only),
        },
        "qdrant_stats": {
            "total_embeddings": report.vectors,
            "clusters_with_embeddings": len(in_clusters),
            "noise_embeddings": report.clusters[NOISE],
            "cluster_distribution": dict(report.clusters),
        },
        "consistency_check": _check_json(report),
        "architecture_working": report.is_consistent,
    }
    if repair is not None:
        body["repair"] = {
            "vectors_removed": repair.vectors_removed,
            "photos_read_again": repair.photos_read_again,
            "faces_recomputed": repair.faces_recomputed,
        }
    return body


def _check_json(report: StorageReport) -> ConsistencyCheck:
    """Return what fits and what does not."""
    return {
        "matching_face_ids": report.matching,
        "mongodb_only": len(report.mongodb_only),
        "qdrant_only": len(report.orphans),
        "total_consistency": report.is_consistent,
        "mongodb_only_ids": report.mongodb_only[:IDS_SHOWN],
        "qdrant_only_ids": report.orphans[:IDS_SHOWN],
        "wrong_dimension": len(report.wrong_dimension),
        "wrong_model": sum(map(len, report.wrong_model.values())),
        "wrong_cluster": len(report.wrong_cluster),
        "missing_crops": len(report.missing_crops),
    }

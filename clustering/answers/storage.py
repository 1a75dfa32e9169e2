"""Responses of the consistency check of documents, vectors and crops."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from clustering.documents import NOISE
from clustering.storage_check import StorageReport
from clustering.storage_repair import StorageRepair

IDS_SHOWN = 1000
PHOTOS_NAMED = 10


class DocumentCounts(TypedDict):
    """Counts of the document store."""

    total_metadata_entries: int
    faces_with_embeddings: int
    faces_without_embeddings: int


class VectorCounts(TypedDict):
    """Counts of the vector store."""

    total_embeddings: int
    clusters_with_embeddings: int
    noise_embeddings: int
    cluster_distribution: dict[str, int]


class ConsistencyCheck(TypedDict):
    """What fits and what does not; lists hold at most 1000 entries.

    ``faces_missing`` are faces that an image speaks of and no document describes;
    ``images_missing`` are photos with faces and without an image. ``faces_without_member`` are
    faces that belong into the groups and are in none: then ``run_needed`` says that only a run
    puts that right.
    """

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
    damaged_crops: int
    damaged_crops_ids: list[str]
    faces_missing: int
    faces_missing_ids: list[str]
    images_missing: int
    images_missing_keys: list[str]
    members_without_face: int
    members_without_face_ids: list[str]
    faces_without_member: int
    faces_without_member_ids: list[str]
    clusters_wrong: int
    clusters_wrong_ids: list[str]
    run_needed: bool


class PhotoNotRestored(TypedDict):
    """A photo whose faces are still incomplete, and why it could not be used.

    ``vanished``: it is not in the bucket now. ``changed``: it is another photo than the one that
    was stored. ``other_model``: its faces are of models that are not in use now.
    ``not_found_again``: the models find fewer faces in it now. Others: why it cannot be read.
    """

    key: str
    reason: str


class RepairDone(TypedDict):
    """What a repair did; the list holds at most 1000 photos."""

    vectors_removed: int
    photos_read_again: int
    faces_recomputed: int
    faces_restored: int
    members_removed: int
    clusters_recounted: int
    not_restored: int
    not_restored_photos: list[PhotoNotRestored]


class StorageComparison(TypedDict):
    """Comparison of a collection's documents, vectors and crops."""

    clustering_id: str
    bucket_path: str
    storage_architecture: str
    mongodb_stats: DocumentCounts
    qdrant_stats: VectorCounts
    consistency_check: ConsistencyCheck
    architecture_working: bool
    repair: NotRequired[RepairDone]


def storage_json(report: StorageReport, repair: StorageRepair | None = None) -> StorageComparison:
    """Return the response for a comparison of the stores, with the counts of a repair if given."""
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
        body["repair"] = _repair_json(repair)
    return body


def repair_sentences(done: StorageRepair, report: StorageReport) -> list[str]:
    """Return what a repair did, what it could not do, and what helps."""
    sentences = [
        f"{done.vectors_removed} vectors removed, {done.photos_read_again} photos read again, "
        f"{done.faces_recomputed} faces computed anew, {done.faces_restored} of them restored; "
        f"the stores {'agree' if report.is_consistent else 'still differ'}."
    ]
    if done.members_removed or done.clusters_recounted:
        sentences.append(
            f"{done.members_removed} members of clusters removed, "
            f"{done.clusters_recounted} clusters counted anew."
        )
    if done.not_restored:
        some = [f"{key} ({reason})" for key, reason in sorted(done.not_restored.items())]
        more = f" and {len(some) - PHOTOS_NAMED} more" if len(some) > PHOTOS_NAMED else ""
        sentences.append(
            f"Not restored, because their photos cannot be used: "
            f"{', '.join(some[:PHOTOS_NAMED])}{more}. Bring the photos back and repair again, or "
            f"start a run, which forgets photos that are gone and reads those that changed."
        )
    if report.is_run_needed:
        sentences.append(
            f"{len(report.faces_without_member)} faces are in no cluster; start a run, it groups "
            f"anew."
        )
    return sentences


def _repair_json(repair: StorageRepair) -> RepairDone:
    """Return what a repair did."""
    photos = sorted(repair.not_restored.items())
    return {
        "vectors_removed": repair.vectors_removed,
        "photos_read_again": repair.photos_read_again,
        "faces_recomputed": repair.faces_recomputed,
        "faces_restored": repair.faces_restored,
        "members_removed": repair.members_removed,
        "clusters_recounted": repair.clusters_recounted,
        "not_restored": len(photos),
        "not_restored_photos": [
            {"key": key, "reason": reason} for key, reason in photos[:IDS_SHOWN]
        ],
    }


def _check_json(report: StorageReport) -> ConsistencyCheck:
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
        "damaged_crops": len(report.damaged_crops),
        "damaged_crops_ids": report.damaged_crops[:IDS_SHOWN],
        "faces_missing": len(report.faces_missing),
        "faces_missing_ids": sorted(report.faces_missing)[:IDS_SHOWN],
        "images_missing": len(report.images_missing),
        "images_missing_keys": sorted(report.images_missing)[:IDS_SHOWN],
        "members_without_face": len(report.members_without_face),
        "members_without_face_ids": sorted(report.members_without_face)[:IDS_SHOWN],
        "faces_without_member": len(report.faces_without_member),
        "faces_without_member_ids": report.faces_without_member[:IDS_SHOWN],
        "clusters_wrong": len(report.wrong_clusters),
        "clusters_wrong_ids": report.wrong_clusters[:IDS_SHOWN],
        "run_needed": report.is_run_needed,
    }

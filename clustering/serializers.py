"""JSON in and out of clustering: parse and shape, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from clustering.documents import NOISE, Cluster, Face, Member, Run, RunState
from clustering.parameters import ALGORITHMS, RunParameters
from clustering.pipeline.verification import Repair, StorageReport
from clustering.progress import RunProgress, run_progress
from web.fields import FiniteField

IDS_SHOWN = 1000


class RunInput(serializers.Serializer):
    """The query of a request that starts a run."""

    max_images = serializers.IntegerField(min_value=1, max_value=10**9, required=False)
    batch_size = serializers.IntegerField(min_value=1, max_value=50, default=30)
    skip_quality_filter = serializers.BooleanField(default=False)
    max_concurrent = serializers.IntegerField(min_value=1, max_value=20, default=12)
    wait = FiniteField(min_value=0, max_value=600, default=0)
    eps = FiniteField(min_value=0.0001, max_value=2, required=False)
    min_samples = serializers.IntegerField(min_value=2, max_value=100, default=2)
    algorithm = serializers.ChoiceField(choices=ALGORITHMS, default="dbscan")
    refine = serializers.BooleanField(default=True)
    full = serializers.BooleanField(default=False)

    def parameters(self) -> RunParameters:
        """Return the valid query as the parameters of a run."""
        values = {name: value for name, value in self.validated_data.items() if name != "wait"}
        return RunParameters(**values)


class RunQuery(serializers.Serializer):
    """The query of a request that reads a run: the newest one unless named."""

    clustering_id = serializers.RegexField(r"^[0-9a-f]{24}\Z", required=False)


class DetailsQuery(RunQuery):
    """The query of a request that reads a cluster's faces."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=1000)
    cursor = serializers.CharField(required=False, max_length=500)


class RepairQuery(RunQuery):
    """The query of a verification; a GET never repairs."""

    repair = serializers.BooleanField(default=False)


def run_queued_json(run: Run) -> dict[str, Any]:
    """Return the answer to a run that was accepted."""
    return {
        "clustering_id": run.id,
        "bucket": run.collection,
        "state": run.state.value,
        "status_url": run_status_url(run),
    }


def run_status_url(run: Run) -> str:
    """Return where a run's status is read."""
    bucket, _, sub = run.collection.partition("/")
    url = reverse("cluster_status_db", kwargs={"bucket": bucket, "sub": sub})
    return f"{url}?clustering_id={run.id}"


def run_finished_json(run: Run, members: Iterable[Member]) -> dict[str, Any]:
    """Return a finished run with the photos of each cluster, the largest first."""
    keys: dict[str, list[str]] = {}
    for member in members:
        keys.setdefault(member.cluster, []).append(member.key)
    noise = keys.pop(NOISE, [])
    ordered = sorted(keys, key=lambda label: int(label.removeprefix("cluster_")))
    return {
        "bucket": run.collection,
        "clusters": [_once(keys[label]) for label in ordered],
        "noise": _once(noise),
        "timestamp": time_json(run.finished_at),
        "stats": run_stats_json(run),
    }


def run_stats_json(run: Run) -> dict[str, Any]:
    """Return the statistics of a finished run."""
    progress = run_progress(run)
    stored = run.stats["total_faces"] + run.stats["refused_faces"]
    without = run.stats["faces_without_vectors"]
    return {
        **run.stats,
        "clustering_id": run.id,
        "database_saved": True,
        "processing_time_seconds": progress.elapsed_seconds,
        "files_per_second": progress.files_per_second,
        "decoded_images": run.decoded,
        "unchanged_images": run.unchanged,
        "gone_images": run.gone,
        "mongodb_metadata_count": stored + without,
        "qdrant_embeddings_count": stored,
        "storage_consistency": not without,
        "skipped": dict(run.skipped),
    }


def run_working_json(run: Run) -> dict[str, Any]:
    """Return the status of a run that works, or that ended without a result."""
    progress = run_progress(run)
    body = {
        "bucket_path": run.collection,
        "clustering_id": run.id,
        "timestamp": time_json(run.created_at),
        "state": run.state.value,
        "progress": progress_json(progress),
    }
    if run.waiting_for:
        body["waiting_for"] = run.waiting_for
    if run.state == RunState.FAILED:
        body["failure"] = {"code": run.failure_code, "detail": run.failure}
    return body


def progress_json(progress: RunProgress) -> dict[str, Any]:
    """Return how far a run is."""
    return {
        "listed": progress.listed,
        "done": progress.done,
        "failed": progress.failed,
        "faces": progress.faces,
        "percent": progress.percent,
        "eta_seconds": progress.eta_seconds,
    }


def run_status_json(run: Run, clusters: Iterable[Cluster]) -> dict[str, Any]:
    """Return the status of a finished run."""
    stats = run.stats
    return {
        **run_working_json(run),
        "timestamp": time_json(run.finished_at or run.created_at),
        "num_clusters": stats["num_clusters"],
        "total_images": stats["total_images"],
        "total_faces": stats["total_faces"],
        "noise_count": stats["noise_count"],
        "cluster_details": [
            {
                "cluster_id": cluster.label,
                "size": cluster.image_count,
                "face_count": cluster.face_count,
            }
            for cluster in clusters
        ],
        "processing_stats": run_stats_json(run),
        "qdrant_stats": {
            "total_embeddings": stats["total_faces"],
            "clusters_with_embeddings": stats["num_clusters"],
            "noise_embeddings": stats["noise_count"],
        },
    }


def cluster_details_json(
    run: Run,
    cluster: Cluster,
    members: list[Member],
    faces: dict[str, Face],
    *,
    next_cursor: str | None,
) -> dict[str, Any]:
    """Return one page of a cluster's faces, the most typical first."""
    shown = [(member, faces[member.face]) for member in members if member.face in faces]
    return {
        "clustering_id": run.id,
        "cluster_id": cluster.label,
        "bucket_path": run.collection,
        "total_faces": cluster.face_count,
        "cluster_size": cluster.image_count,
        "cohesion": cluster.cohesion,
        "faces": [face_json(face, member, dimension=run.dimension) for member, face in shown],
        "image_paths": _once([face.key for _, face in shown]),
        "face_ids": [face.id for _, face in shown],
        "embeddings_in_qdrant": len(shown),
        "next": next_cursor,
    }


def face_json(face: Face, member: Member, *, dimension: int) -> dict[str, Any]:
    """Return a face as a member of a cluster."""
    return {
        "face_id": face.id,
        "image_path": face.key,
        "confidence": face.confidence,
        "quality_score": face.quality_score,
        "bbox": face.bbox,
        "similarity": member.similarity,
        "embedding_available": True,
        "embedding_size": dimension,
        "timestamp": time_json(face.created_at),
        "crop_url": reverse("face_crop", kwargs={"face_id": face.id}),
        "image_url": reverse("face_image", kwargs={"face_id": face.id}),
        "verdict": face.verdict.value,
    }


def storage_json(report: StorageReport, repair: Repair | None = None) -> dict[str, Any]:
    """Return a comparison of the stores, with what a repair did."""
    in_clusters = {label: n for label, n in report.clusters.items() if label != NOISE}
    body: dict[str, Any] = {
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
        "consistency_check": {
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
        },
        "architecture_working": report.is_consistent,
    }
    if repair is not None:
        body["repair"] = {
            "vectors_removed": repair.vectors_removed,
            "photos_read_again": repair.photos_read_again,
            "faces_recomputed": repair.faces_recomputed,
        }
    return body


def time_json(moment: Any) -> str | None:
    """Return a time as UTC ISO 8601 with Z."""
    return (
        None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _once(keys: list[str]) -> list[str]:
    """Return the keys without repetitions, in their order."""
    return list(dict.fromkeys(keys))

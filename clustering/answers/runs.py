"""Responses about runs: accepted, in progress, finished."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NotRequired, TypedDict

from django.urls import reverse

from clustering.documents import NOISE, Member, Run, RunState
from clustering.progress import run_progress
from web.rest import format_time


class RunQueued(TypedDict):
    """A run that was accepted; `status_url` returns its status."""

    clustering_id: str
    bucket: str
    state: str
    status_url: str


class RunStats(TypedDict):
    """Statistics of a finished run."""

    total_images: int
    total_faces: int
    num_clusters: int
    noise_count: int
    refused_faces: int
    faces_without_vectors: int
    avg_faces_per_image: float
    avg_cluster_size: float
    largest_cluster_size: int
    cluster_size_distribution: dict[str, int]
    clustering_id: str
    database_saved: bool
    processing_time_seconds: float
    files_per_second: float
    decoded_images: int
    unchanged_images: int
    gone_images: int
    mongodb_metadata_count: int
    qdrant_embeddings_count: int
    storage_consistency: bool
    skipped: dict[str, int]


class RunResult(TypedDict):
    """A finished run with the photos of each cluster, the largest cluster first."""

    bucket: str
    clusters: list[list[str]]
    noise: list[str]
    timestamp: str
    stats: RunStats


class ProgressNumbers(TypedDict):
    """Progress of a run; all counts but `faces` are photos, `done` includes unchanged ones."""

    listed: int
    done: int
    failed: int
    faces: int
    percent: float
    eta_seconds: int | None


class RunFailure(TypedDict):
    """Why a run ended without a result."""

    code: str
    detail: str


class ClusterSizeRow(TypedDict):
    """Size of a cluster: `size` counts photos."""

    cluster_id: str
    size: int
    face_count: int


class RunVectors(TypedDict):
    """Numbers of vectors that a run clustered."""

    total_embeddings: int
    clusters_with_embeddings: int
    noise_embeddings: int


class RunStatus(TypedDict):
    """Status of a run, with the results if it has finished.

    `cluster_details` has the 10,000 largest clusters; `num_clusters` counts all.
    """

    bucket_path: str
    clustering_id: str
    timestamp: str
    state: str
    progress: ProgressNumbers
    waiting_for: NotRequired[str]
    failure: NotRequired[RunFailure]
    num_clusters: NotRequired[int]
    total_images: NotRequired[int]
    total_faces: NotRequired[int]
    noise_count: NotRequired[int]
    cluster_details: NotRequired[list[ClusterSizeRow]]
    processing_stats: NotRequired[RunStats]
    qdrant_stats: NotRequired[RunVectors]


def run_queued_json(run: Run) -> RunQueued:
    """Return the response for a run that was accepted."""
    return {
        "clustering_id": run.id,
        "bucket": run.collection,
        "state": run.state.value,
        "status_url": run_status_url(run),
    }


def run_status_url(run: Run) -> str:
    """Return the URL of a run's status."""
    bucket, _, sub = run.collection.partition("/")
    url = reverse("cluster_status_db", kwargs={"bucket": bucket, "sub": sub})
    return f"{url}?clustering_id={run.id}"


def run_finished_json(run: Run, members: Iterable[Member]) -> RunResult:
    """Return the response for a finished run, with the photos of each cluster, largest first."""
    keys: dict[str, list[str]] = {}
    for member in members:
        keys.setdefault(member.cluster, []).append(member.key)
    noise = keys.pop(NOISE, [])
    ordered = sorted(keys, key=lambda label: int(label.removeprefix("cluster_")))
    return {
        "bucket": run.collection,
        "clusters": [without_repetitions(keys[label]) for label in ordered],
        "noise": without_repetitions(noise),
        "timestamp": format_time(run.finished_at),
        "stats": run_stats_json(run),
    }


def run_stats_json(run: Run) -> RunStats:
    """Return the statistics of a finished run; ``storage_consistency`` is as of its end."""
    stats, progress = run.stats, run_progress(run)
    stored = stats["total_faces"] + stats["refused_faces"]
    without = stats["faces_without_vectors"]
    return {
        "total_images": stats["total_images"],
        "total_faces": stats["total_faces"],
        "num_clusters": stats["num_clusters"],
        "noise_count": stats["noise_count"],
        "refused_faces": stats["refused_faces"],
        "faces_without_vectors": without,
        "avg_faces_per_image": stats["avg_faces_per_image"],
        "avg_cluster_size": stats["avg_cluster_size"],
        "largest_cluster_size": stats["largest_cluster_size"],
        "cluster_size_distribution": dict(stats["cluster_size_distribution"]),
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


def run_working_json(run: Run) -> RunStatus:
    """Return the status of a run that is in progress, or ended without a result."""
    body: RunStatus = {
        "bucket_path": run.collection,
        "clustering_id": run.id,
        "timestamp": format_time(run.created_at),
        "state": run.state.value,
        "progress": progress_json(run),
    }
    if run.waiting_for:
        body["waiting_for"] = run.waiting_for
    if run.state == RunState.FAILED:
        body["failure"] = {"code": run.failure_code, "detail": run.failure}
    return body


def progress_json(run: Run) -> ProgressNumbers:
    """Return the progress of a run."""
    progress = run_progress(run)
    return {
        "listed": progress.listed,
        "done": progress.done,
        "failed": progress.failed,
        "faces": progress.faces,
        "percent": progress.percent,
        "eta_seconds": progress.eta_seconds,
    }


def run_status_text(run: Run, rows: str) -> str:
    """Return the status of a finished run as JSON; ``rows`` is the JSON text of the cluster sizes.

    The text is inserted unparsed: parsing and writing 3,250 rows takes longer than everything else.
    """
    stats = run.stats
    body: RunStatus = {
        **run_working_json(run),
        "timestamp": format_time(run.finished_at or run.created_at),
        "num_clusters": stats["num_clusters"],
        "total_images": stats["total_images"],
        "total_faces": stats["total_faces"],
        "noise_count": stats["noise_count"],
        "processing_stats": run_stats_json(run),
        "qdrant_stats": {
            "total_embeddings": stats["total_faces"],
            "clusters_with_embeddings": stats["num_clusters"],
            "noise_embeddings": stats["noise_count"],
        },
    }
    return f'{json.dumps(body)[:-1]}, "cluster_details": {rows}}}'


def without_repetitions(keys: Iterable[str]) -> list[str]:
    """Return the distinct keys in their order."""
    return list(dict.fromkeys(keys))

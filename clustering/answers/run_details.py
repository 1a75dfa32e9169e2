"""Responses about runs: rows of lists, details, skipped photos."""

from __future__ import annotations

from typing import TypedDict

from django.urls import reverse

from clustering.answers.runs import (
    ProgressNumbers,
    RunFailure,
    RunStats,
    progress_json,
    run_stats_json,
    run_status_url,
)
from clustering.deletion import RunDeletion
from clustering.documents import Image, Run, RunState
from web.rest import format_time, format_time_or_null

REMOVED = ("runs", "clusters", "members", "batches")


class RunRow(TypedDict):
    """A run; counts are null until it has finished."""

    clustering_id: str
    bucket_path: str
    state: str
    is_current: bool
    has_clusters: bool
    model: str
    started_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None
    total_images: int | None
    total_faces: int | None
    num_clusters: int | None
    noise_count: int | None
    url: str


class RunRows(TypedDict):
    """A page of a collection's runs, the newest first."""

    runs: list[RunRow]
    next: str | None


class RunChoices(TypedDict):
    """The parameters of a run; `max_images` is null for no limit."""

    eps: float
    min_samples: int
    algorithm: str
    refine: bool
    skip_quality_filter: bool
    full: bool
    allow_removals: bool
    max_images: int | None
    batch_size: int
    max_concurrent: int


class RunModels(TypedDict):
    """The models of a run."""

    detector: str
    embedder: str
    dimension: int


class RunDetail(RunRow):
    """All data of a run."""

    parameters: RunChoices
    models: RunModels
    thresholds: dict[str, float]
    progress: ProgressNumbers
    cancel_requested: bool
    statistics: RunStats | None
    skipped: dict[str, int]
    waiting_for: str | None
    failure: RunFailure | None
    status_url: str
    skipped_url: str


class SkippedImage(TypedDict):
    """A photo that could not be read, and why.

    `faces_kept` are the faces that an earlier run found in it and that stay.
    """

    image_path: str
    reason: str
    detail: str
    faces_kept: int
    looked_at: str


class SkippedImages(TypedDict):
    """A page of photos that could not be read, sorted by key."""

    clustering_id: str
    bucket_path: str
    skipped: list[SkippedImage]
    next: str | None


class RunRemoved(TypedDict):
    """What was deleted with a run; `current_run` is the collection's current run afterwards."""

    clustering_id: str
    bucket_path: str
    removed: dict[str, int]
    current_run: str | None


def run_row_json(run: Run, *, is_current: bool) -> RunRow:
    """Return the row of a run."""
    is_finished = run.state == RunState.FINISHED
    stats = run.stats if is_finished else {}
    return {
        "clustering_id": run.id,
        "bucket_path": run.collection,
        "state": run.state.value,
        "is_current": is_current,
        "has_clusters": is_finished and not run.forgotten,
        "model": run.model,
        "started_by": run.started_by,
        "created_at": format_time(run.created_at),
        "started_at": format_time_or_null(run.started_at),
        "finished_at": format_time_or_null(run.finished_at),
        "total_images": stats.get("total_images"),
        "total_faces": stats.get("total_faces"),
        "num_clusters": stats.get("num_clusters"),
        "noise_count": stats.get("noise_count"),
        "url": run_url(run),
    }


def run_detail_json(run: Run, *, is_current: bool) -> RunDetail:
    """Return the detail response for a run."""
    has_failed = run.state == RunState.FAILED
    return {
        **run_row_json(run, is_current=is_current),
        "parameters": _choices_json(run),
        "models": {
            "detector": run.detector,
            "embedder": run.embedder,
            "dimension": run.dimension,
        },
        "thresholds": dict(run.thresholds),
        "progress": progress_json(run),
        "cancel_requested": run.cancel_requested,
        "statistics": run_stats_json(run) if run.state == RunState.FINISHED else None,
        "skipped": dict(run.skipped),
        "waiting_for": run.waiting_for or None,
        "failure": {"code": run.failure_code, "detail": run.failure} if has_failed else None,
        "status_url": run_status_url(run),
        "skipped_url": reverse("run_skipped_api", kwargs={"run_id": run.id}),
    }


def run_url(run: Run) -> str:
    """Return the URL of a run."""
    return reverse("run_api", kwargs={"run_id": run.id})


def skipped_json(image: Image) -> SkippedImage:
    """Return the response for a photo that could not be read."""
    return {
        "image_path": image.key,
        "reason": image.reason,
        "detail": image.detail,
        "faces_kept": image.faces,
        "looked_at": format_time(image.looked_at),
    }


def run_removed_json(done: RunDeletion) -> RunRemoved:
    """Return the response for a deleted run."""
    return {
        "clustering_id": done.run.id,
        "bucket_path": done.run.collection,
        "removed": {
            kind: done.removed[kind] for kind in ("runs", "clusters", "members", "batches")
        },
        "current_run": done.current_run or None,
    }


def _choices_json(run: Run) -> RunChoices:
    return {
        "eps": run.eps,
        "min_samples": run.min_samples,
        "algorithm": run.algorithm,
        "refine": run.refine,
        "skip_quality_filter": run.skip_quality_filter,
        "full": run.full,
        "allow_removals": run.allow_removals,
        "max_images": run.max_images or None,
        "batch_size": run.batch_size,
        "max_concurrent": run.max_concurrent,
    }

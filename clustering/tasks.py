"""Queue tasks of clustering: load, call, enqueue follow-up tasks. Every task may run twice."""

from __future__ import annotations

import logging
from operator import attrgetter

from django.conf import settings
from django_q.tasks import async_task

from clustering.context import build_context
from clustering.decisions.cluster_stats import list_pending_collections, refresh_cluster_stats
from clustering.decisions.projection import project_decisions
from clustering.documents import Collection, Run
from clustering.pipeline.step import NextTask, run_step
from storage.errors import Missing
from storage.jobs import is_outdated, needs_worker, next_round
from storage.vectors import face_vector_store

logger = logging.getLogger(__name__)


def enqueue_run(run_id: str, *, lanes: int = 1) -> None:
    """Enqueue ``lanes`` tasks of a run, one per worker; they replace those still in the queue."""
    _enqueue_round(run_id, next_round(Run, run_id), lanes=lanes)


def enqueue_sweep() -> None:
    """Enqueue a sweep of all active runs, for example after a restart."""
    async_task("clustering.tasks.runs_sweep", everything=True, group="clustering", ack_failure=True)


def enqueue_projection(path: str) -> None:
    """Enqueue the projection of a collection's pending decisions and the cluster statistics."""
    async_task("clustering.tasks.projection_task", path, group="clustering", ack_failure=True)


def projection_task(path: str) -> int:
    """Project a collection's pending decisions, then refresh its cluster statistics."""
    try:
        project_decisions(path, vectors=face_vector_store())
        return refresh_cluster_stats(path, vectors=face_vector_store())
    except Missing:
        logger.info("%s was removed meanwhile; its decisions need not be written", path)
        return 0


def run_task(run_id: str, task_round: int | None = None) -> str:
    """Execute one step of a run and enqueue the next one."""
    run = Run.objects(id=run_id).first()
    if run is None:
        return "gone"
    if is_outdated(run, task_round):
        return "outdated"
    follow = run_step(run, build_context=build_context, runs_kept=settings.RUNS_KEPT)
    if follow == NextTask.LANES:
        _enqueue_round(run_id, run.task_round, lanes=lanes_of(run))
    elif follow == NextTask.AGAIN:
        _enqueue_round(run_id, run.task_round)
    return follow.value


def runs_sweep(*, everything: bool = False) -> int:
    """Enqueue active runs that no worker has had for a lease's time, or all; return how many.

    The run that has waited longest comes first: a new round goes to the end of the queue, so in any
    other order a sweep could move the same runs behind others again and again.
    """
    waiting = []
    for collection in Collection.objects(active_run__ne=""):
        run = Run.objects(id=collection.active_run).first()
        if run is None or not run.is_active:
            Collection.objects(path=collection.path, active_run=collection.active_run).modify(
                set__active_run=""
            )
        elif needs_worker(run, everything=everything):
            waiting.append(run)
    for run in sorted(waiting, key=attrgetter("heartbeat")):
        enqueue_run(run.id, lanes=lanes_of(run))
    return len(waiting)


def decisions_sweep() -> int:
    """Enqueue projections that are behind, for example after a kill; return how many."""
    behind = list_pending_collections()
    for path in behind:
        enqueue_projection(path)
    return len(behind)


def _enqueue_round(run_id: str, task_round: int, *, lanes: int = 1) -> None:
    for _ in range(lanes):
        async_task(
            "clustering.tasks.run_task", run_id, task_round, group="clustering", ack_failure=True
        )


def lanes_of(run: Run) -> int:
    """Return the number of workers that process a run's batches concurrently."""
    return min(run.max_concurrent, settings.FACEADMIN_WORKERS)

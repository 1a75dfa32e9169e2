"""Use cases for pages, API and commands: open the stores, call the domain, enqueue tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from clustering.context import (
    active_run_models,
    build_context,
    embedder_dimensions,
    known_embedders,
)
from clustering.decisions.projection import is_projection_behind, project_decisions
from clustering.decisions.replay import ReplayReport, replay_event_log
from clustering.decisions.snapshot import snapshot_run
from clustering.deletion import PurgeReceipt, RunDeletion, purge_collection, remove_run
from clustering.documents import Run
from clustering.errors import NoSuchRun
from clustering.locks import lock_collection
from clustering.parameters import RunParameters
from clustering.run_lifecycle import (
    create_run,
    parameters_with_removals,
    reopen_run,
    request_apply,
    request_cancel,
)
from clustering.selectors import get_collection, get_run
from clustering.storage_check import StorageReport, compare_stores
from clustering.storage_repair import StorageRepair, mark_regroup, repair_stores
from clustering.tasks import enqueue_run
from storage.buckets import open_bucket
from storage.errors import StoreUnavailable
from storage.names import CollectionName
from storage.pictures import face_crop_store, face_graph_store
from storage.vectors import face_vector_store

T = TypeVar("T")

READ_AGAIN = 5
PATIENCE_S = 10.0
POLL_S = 0.02


def start_run(name: CollectionName, *, parameters: RunParameters, started_by: str) -> Run:
    """Create a run and enqueue it."""
    run = create_run(
        name,
        parameters=parameters,
        bucket=open_bucket(name.bucket),
        models=active_run_models(),
        started_by=started_by,
    )
    enqueue_run(run.id)
    return run


def restart_with_removals(run: Run, *, started_by: str) -> Run:
    """Start a run with the parameters of a failed one, allowed to remove missing photos."""
    return start_run(
        CollectionName.parse(run.collection),
        parameters=parameters_with_removals(run),
        started_by=started_by,
    )


def cancel_run(run: Run) -> Run:
    """Request a run to stop, and enqueue it in case no worker is processing it."""
    run = request_cancel(run)
    enqueue_run(run.id)
    return run


def resume_run(run: Run) -> Run:
    """Resume a failed or cancelled run."""
    run = reopen_run(run)
    enqueue_run(run.id)
    return run


def apply_run(run: Run) -> Run:
    """Apply a preview: a worker makes it the current run."""
    run = request_apply(run)
    enqueue_run(run.id)
    return run


def delete_run(run: Run) -> RunDeletion:
    """Delete an ended run with its groups."""
    return remove_run(run, vectors=face_vector_store())


def delete_collection(name: CollectionName) -> PurgeReceipt:
    """Delete all stored data of a collection; the photos stay in the bucket."""
    return purge_collection(
        name.path,
        vectors=face_vector_store(),
        crops=face_crop_store(),
        graphs=face_graph_store(),
        embedders=known_embedders(),
    )


def check_storage(run: Run) -> StorageReport:
    """Compare the stores' records of a run's collection after all decisions are projected."""
    for _ in range(READ_AGAIN):
        before = ensure_projected(run.collection)
        report = compare_stores(
            run,
            vectors=face_vector_store(),
            crops=face_crop_store(),
            models=embedder_dimensions(run),
        )
        after = ensure_projected(run.collection)
        if before is None or after is None or before.projected_seq == after.projected_seq:
            break
    return report


def repair_storage(run: Run) -> tuple[StorageRepair, StorageReport]:
    """Repair the stores of a run's collection; return the repair and a new report.

    Nothing is repaired while a run is active, because its faces are written store by store. If the
    groups can be corrected by a run only, the next run groups again.
    """
    with lock_collection(run.collection) as lease:
        done = repair_stores(run, check_storage(run), context=build_context(run), check=lease.check)
        report = check_storage(run)
        if report.is_run_needed:
            mark_regroup(run)
    return done, report


def replay_decisions(path: str, *, repair: bool = False) -> ReplayReport:
    """Replay the log and compare the groups with it; with ``repair`` write the differences.

    If faces are still in other clusters after the repair, the next run groups again.
    """
    get_collection(path)
    if repair:
        replay_event_log(path, vectors=face_vector_store(), repair=True)
    found = replay_event_log(path, vectors=face_vector_store())
    if repair and found.differing:
        mark_regroup(snapshot_run(path))
    return found


def read_projected(path: str, read: Callable[[], T]) -> T:
    """Return ``read()`` of groups without half-projected decisions.

    Pending decisions are projected first. If new ones arrive during the read, it is repeated, up to
    READ_AGAIN times.
    """
    for _ in range(READ_AGAIN):
        run = ensure_projected(path)
        found = read()
        if run is None or not is_projection_behind(run):
            break
    return found


def ensure_projected(path: str) -> Run | None:
    """Project all pending decisions, then return the run that owns the current groups, or None.

    Raises StoreUnavailable if another process projects for longer than PATIENCE_S.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            run = snapshot_run(path)
        except NoSuchRun:
            return None
        if not is_projection_behind(run) or project_decisions(path, vectors=face_vector_store()):
            return get_run(run.id)
        if time.monotonic() > until:
            raise StoreUnavailable(
                "A large decision is still being saved; try again.", store="mongodb"
            )
        time.sleep(POLL_S)

"""What pages, API and commands ask for: open the adapters, call, enqueue what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from clustering.decisions.deciding import Asked, decide
from clustering.decisions.documents import Decision
from clustering.decisions.ground import current_run
from clustering.decisions.projection import project, projection_waits
from clustering.decisions.rebuild import Rebuilt, projection_rebuild
from clustering.documents import Run
from clustering.errors import NoSuchRun
from clustering.held import collection_held
from clustering.opening import embedder_dimensions, embedders_known, models_in_force, tools_open
from clustering.parameters import RunParameters
from clustering.pipeline.repair import Repair, mark_regroup, storage_repair
from clustering.pipeline.verification import StorageReport, storage_report
from clustering.purge import PurgeReceipt, collection_purge
from clustering.removal import RunRemoval, run_remove
from clustering.selectors import collection_get, run_get
from clustering.services import (
    removals_confirmed,
    run_apply,
    run_cancel,
    run_resume,
    run_start,
)
from clustering.tasks import enqueue_projection, enqueue_run
from storage.buckets import open_bucket
from storage.crops import face_crops, face_graphs
from storage.errors import StoreUnavailable
from storage.names import CollectionName
from storage.vectors import face_vectors

T = TypeVar("T")

READ_AGAIN = 5
PATIENCE_S = 10.0
POLL_S = 0.02


def request_run(name: CollectionName, *, parameters: RunParameters, started_by: str) -> Run:
    """Start a run and let a worker take it up."""
    run = run_start(
        name,
        parameters=parameters,
        bucket=open_bucket(name.bucket),
        models=models_in_force(),
        started_by=started_by,
    )
    enqueue_run(run.id)
    return run


def request_confirmed(run: Run, *, started_by: str) -> Run:
    """Start what a run was asked for again, allowed to remove photos that are missing."""
    return request_run(
        CollectionName.parse(run.collection),
        parameters=removals_confirmed(run),
        started_by=started_by,
    )


def request_cancel(run: Run) -> Run:
    """Ask a run to stop, and wake a worker in case none is at it."""
    run = run_cancel(run)
    enqueue_run(run.id)
    return run


def request_resume(run: Run) -> Run:
    """Let a run that failed or was cancelled go on."""
    run = run_resume(run)
    enqueue_run(run.id)
    return run


def request_apply(run: Run) -> Run:
    """Let a preview become what readers see; a worker does it."""
    run = run_apply(run)
    enqueue_run(run.id)
    return run


def request_run_removal(run: Run) -> RunRemoval:
    """Remove a run that has ended, with its groups."""
    return run_remove(run, vectors=face_vectors())


def request_purge(name: CollectionName) -> PurgeReceipt:
    """Remove all that is stored of a collection."""
    return collection_purge(
        name.path,
        vectors=face_vectors(),
        crops=face_crops(),
        graphs=face_graphs(),
        embedders=embedders_known(),
    )


def request_report(run: Run) -> StorageReport:
    """Compare what the stores hold of a run's collection, when every decision is written."""
    for _ in range(READ_AGAIN):
        before = groups_settle(run.collection)
        report = storage_report(
            run, vectors=face_vectors(), crops=face_crops(), models=embedder_dimensions(run)
        )
        after = groups_settle(run.collection)
        if before is None or after is None or before.decided == after.decided:
            break
    return report


def request_repair(run: Run) -> tuple[Repair, StorageReport]:
    """Put the stores of a run's collection right; return what was done and how it looks now.

    While a run works, its faces are on their way from store to store, so nothing is repaired then.
    Where only a run can put the groups right, the next one groups anew.
    """
    with collection_held(run.collection) as lease:
        done = storage_repair(run, request_report(run), tools=tools_open(run), check=lease.check)
        report = request_report(run)
        if report.is_run_needed:
            mark_regroup(run)
    return done, report


def request_decision(path: str, asked: Asked, *, by: str, dry_run: bool = False) -> Decision:
    """Decide; a worker writes what follows, or whoever reads the groups before that."""
    decision = decide(collection_get(path), asked, by=by, dry_run=dry_run)
    if not dry_run:
        enqueue_projection(path)
    return decision


def request_rebuild(path: str, *, repair: bool = False) -> Rebuilt:
    """Derive the groups from the log again and compare; with ``repair`` write what differs.

    Where that leaves faces elsewhere, the next run groups anew.
    """
    collection_get(path)
    if repair:
        projection_rebuild(path, vectors=face_vectors(), repair=True)
    found = projection_rebuild(path, vectors=face_vectors())
    if repair and found.differing:
        mark_regroup(current_run(path))
    return found


def read_settled(path: str, read: Callable[[], T]) -> T:
    """Read groups when every decision is written, so that none is seen half written.

    What waits is written first. If somebody decides meanwhile, it is read again, some times.
    """
    for _ in range(READ_AGAIN):
        run = groups_settle(path)
        found = read()
        if run is None or not projection_waits(run):
            break
    return found


def groups_settle(path: str) -> Run | None:
    """Return the run that readers see once all decisions are written into it, None without one."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            run = current_run(path)
        except NoSuchRun:
            return None
        if not projection_waits(run) or project(path, vectors=face_vectors()):
            return run_get(run.id)
        if time.monotonic() > until:
            raise StoreUnavailable("A large decision is being written; ask again.", store="mongodb")
        time.sleep(POLL_S)

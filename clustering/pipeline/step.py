"""One step of a run's state machine, executed by a worker for each task of the run.

Any number of workers may call this for the same run at once, and any of them may be killed:
listing and grouping run under the run's lease, each batch under its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import StrEnum

from django.utils import timezone

from clustering.context import PipelineContext
from clustering.documents import Collection, Run, RunState
from clustering.errors import CollectionAway
from clustering.pipeline.batches import claim_batch, has_open_batches, process_batch, release_batch
from clustering.pipeline.group_run import group_run
from clustering.pipeline.list_bucket import Listing, check_removals, list_bucket
from storage.errors import (
    LeaseLost,
    NoSuchBucket,
    StorageError,
    StoreUnavailable,
    Unavailable,
    unavailable_from,
)
from storage.jobs import JobCancelled, JobKind, check_cancel, end_job, perform_step
from storage.leases import Lease, keep_lease
from storage.names import CollectionName
from vision import VisionError

logger = logging.getLogger(__name__)

LANE_SECONDS = 15.0
HELD_ELSEWHERE_SECONDS = 1.0


class NextTask(StrEnum):
    """What the caller has to enqueue after a step."""

    LANES = "lanes"
    AGAIN = "again"
    NOTHING = "nothing"


def run_step(
    run: Run, *, build_context: Callable[[Run], PipelineContext], runs_kept: int
) -> NextTask:
    """Execute the next step of a run and return what to enqueue.

    If a store is unavailable, the run keeps its state and stores a message; the sweep retries it.
    """
    if not run.is_active:
        return NextTask.NOTHING
    if run.state == RunState.WORKING and not run.cancel_requested:
        return _read_step(run, build_context=build_context)

    def work(lease: Lease) -> NextTask:
        fresh = lease.document
        if fresh.state == RunState.GROUPING:
            _check_cancel_of_grouping(fresh)
            return _group_step(lease, context=build_context(fresh), runs_kept=runs_kept)
        check_cancel(fresh)
        if fresh.state == RunState.WORKING:  # listed by another worker meanwhile
            return NextTask.NOTHING
        return _list_step(lease, context=build_context(fresh))

    return perform_step(run, work, kind=RUNS) or NextTask.NOTHING


def _list_step(lease: Lease, *, context: PipelineContext) -> NextTask:
    run = lease.document
    name = CollectionName.parse(run.collection)
    lease.update(set__state=RunState.LISTING, set__started_at=run.started_at or timezone.now())

    def report(found: Listing) -> None:
        lease.check()
        check_cancel(run)
        lease.update(set__listed=found.read, set__todo=found.todo, set__heartbeat=timezone.now())

    found = list_bucket(run, objects=context.bucket.iter_objects(name.prefix), report=report)
    had_photos = found.listed or run.had_photos
    if found.gone and had_photos and context.bucket.is_empty(name.prefix):
        raise CollectionAway(run.collection)
    check_removals(run, found, max_share=context.removals_max_share)
    listed = lease.commit(
        set__state=RunState.WORKING,
        set__grouped=False,
        set__listed=found.listed,
        set__other_files=found.other_files,
        set__unchanged=found.unchanged,
        set__gone=found.gone,
        set__todo=found.todo,
        set__last_key=found.last_key if run.max_images and found.listed >= run.max_images else "",
        set__done=0,
        set__decoded=0,
        set__failed=0,
        set__faces=0,
        set__heartbeat=timezone.now(),
        set__waiting_for="",
    )
    return NextTask.LANES if listed else NextTask.NOTHING


def _read_step(run: Run, *, build_context: Callable[[Run], PipelineContext]) -> NextTask:
    """Read batches next to other workers; what stops it is recorded under the run's lease."""
    try:
        return _read_batches(run, context=build_context(run))
    except Exception as failure:  # noqa: BLE001 - recorded on the run, its traceback in the log
        error = failure  # Python deletes the name of an except clause at its end

        def stop(lease: Lease) -> NextTask:
            if lease.document.state == RunState.WORKING:
                raise error
            return NextTask.NOTHING

        return perform_step(run, stop, kind=RUNS) or NextTask.NOTHING


def _read_batches(run: Run, *, context: PipelineContext) -> NextTask:
    """Read batches for LANE_SECONDS; the worker that finds none left starts the grouping."""
    until = time.monotonic() + LANE_SECONDS
    while time.monotonic() < until:
        check_cancel(run)
        batch = claim_batch(run.id)
        if batch is not None:
            with keep_lease(batch) as lease:
                _process_batch(lease, run=run, context=context)
        elif has_open_batches(run.id):
            time.sleep(HELD_ELSEWHERE_SECONDS)  # leased by another worker, which may die: wait
        else:
            Run.objects(id=run.id, state=RunState.WORKING).modify(set__state=RunState.GROUPING)
            return NextTask.AGAIN
    return NextTask.AGAIN


def _process_batch(lease: Lease, *, run: Run, context: PipelineContext) -> None:
    """Read one batch; release it if a store is unavailable."""
    batch = lease.document
    try:
        process_batch(batch, run=run, lease=lease, context=context)
    except LeaseLost as lost:
        logger.info("Run %s: %s", run.id, lost)
    except Exception as error:
        away = _outage(error) is not None
        release_batch(batch, lease, blameless=away)
        if away:
            raise
        logger.exception("Batch %s failed", batch.id)


def _group_step(lease: Lease, *, context: PipelineContext, runs_kept: int) -> NextTask:
    """Group, switch, clean up, and finish the run."""

    def check() -> None:
        lease.check()
        _check_cancel_of_grouping(lease.document)

    group_run(lease.document, context=context, check=check, runs_kept=runs_kept)
    end_job(lease, RunState.FINISHED, kind=RUNS)
    return NextTask.NOTHING


def _check_cancel_of_grouping(run: Run) -> None:
    """Raise JobCancelled if requested, unless the run is its collection's current one already."""
    try:
        check_cancel(run)
    except JobCancelled:
        collection = Collection.objects(path=run.collection).first()
        if collection is None or collection.current_run != run.id:
            raise


def _outage(error: BaseException) -> Unavailable | None:
    """Translate an error to the outage that a run waits for, None if it is another error.

    A bucket that has disappeared during a run counts as unavailable.
    """
    if isinstance(error, NoSuchBucket):
        return StoreUnavailable(str(error), store="bucket")
    return unavailable_from(error)


def _release_collection(run: Run) -> None:
    """Release the collection of an ended run for the next one."""
    Collection.objects(path=run.collection, active_run=run.id).modify(
        set__active_run="", set__updated_at=timezone.now()
    )


RUNS = JobKind(
    finished=RunState.FINISHED,
    failed=RunState.FAILED,
    cancelled=RunState.CANCELLED,
    outage=_outage,
    release=_release_collection,
    expected=(StorageError, VisionError),
)

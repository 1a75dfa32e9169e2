"""One step of a run's state machine, executed by a worker for each task of the run.

Any number of workers may call this for the same run at once, and any of them may be killed:
listing and grouping run under the run's lease, each batch under its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.utils import timezone

from clustering.context import PipelineContext
from clustering.documents import Batch, Collection, Run, RunState
from clustering.errors import (
    CollectionAway,
    RunCancelled,
)
from clustering.pipeline.batches import claim_batch, has_open_batches, process_batch, release_batch
from clustering.pipeline.group_run import group_run
from clustering.pipeline.list_bucket import Listing, check_removals, list_bucket
from storage.errors import (
    Conflict,
    LeaseLost,
    Missing,
    NoSuchBucket,
    StorageError,
    StoreUnavailable,
    Unavailable,
    unavailable_from,
)
from storage.leases import Lease, extend_in_background, is_lease_live, take_lease
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
    if run.cancel_requested:
        _stop_run(run)
        return NextTask.NOTHING
    try:
        return _dispatch(run, context=build_context(run), runs_kept=runs_kept)
    except LeaseLost as lost:
        logger.info("Run %s: %s", run.id, lost)
        return NextTask.NOTHING
    except RunCancelled:
        _stop_run(run)
        return NextTask.NOTHING
    except NoSuchBucket as gone:  # it was there when the run was started
        return _record_failure(run, gone)
    except (Missing, Conflict, VisionError) as failure:
        end_run(run, RunState.FAILED, code=failure.code, reason=str(failure))
        return NextTask.NOTHING
    except Exception as error:  # noqa: BLE001 - recorded on the run with its traceback in the log
        return _record_failure(run, error)


def _dispatch(run: Run, *, context: PipelineContext, runs_kept: int) -> NextTask:
    if run.state in (RunState.QUEUED, RunState.LISTING):
        return _list_step(run, context=context)
    if run.state == RunState.WORKING:
        return _read_step(run, context=context)
    return _group_step(run, context=context, runs_kept=runs_kept)


def _record_failure(run: Run, error: Exception) -> NextTask:
    """Keep a run waiting for an unavailable store; end it as failed for any other error."""
    away = _away(error)
    if away is None:
        logger.exception("Run %s failed", run.id)
        code = error.code if isinstance(error, StorageError) else "internal_error"
        reason = (
            str(error)
            if isinstance(error, StorageError)
            else ("An unexpected error occurred; the worker's log has the details.")
        )
        end_run(run, RunState.FAILED, code=code, reason=reason)
        return NextTask.NOTHING
    logger.warning("Run %s waits: %s", run.id, away)
    if away.store != "mongodb":
        Run.objects(id=run.id).update_one(set__waiting_for=str(away))
    return NextTask.NOTHING


def _away(error: BaseException) -> Unavailable | None:
    """Translate an error to Unavailable, None if it is another error.

    A bucket that has disappeared during a run counts as unavailable.
    """
    if isinstance(error, NoSuchBucket):
        return StoreUnavailable(str(error), store="bucket")
    return error if isinstance(error, Unavailable) else unavailable_from(error)


def _is_away(error: BaseException) -> bool:
    return _away(error) is not None


def _stop_run(run: Run) -> None:
    end_run(run, RunState.CANCELLED)


def _list_step(run: Run, *, context: PipelineContext) -> NextTask:
    leased = _take_run_lease(
        run, set__state=RunState.LISTING, set__started_at=run.started_at or timezone.now()
    )
    if leased is None:
        return NextTask.NOTHING
    name = CollectionName.parse(run.collection)

    def report(found: Listing) -> None:
        lease.check()
        _check_cancel(run.id)
        Run.objects(id=run.id).update_one(
            set__listed=found.read, set__todo=found.todo, set__heartbeat=timezone.now()
        )

    lease = Lease(leased)
    with extend_in_background(lease, or_on_error=_is_away):
        found = list_bucket(leased, objects=context.bucket.iter_objects(name.prefix), report=report)
        had_photos = found.listed or run.had_photos
        if found.gone and had_photos and context.bucket.is_empty(name.prefix):
            raise CollectionAway(run.collection)
        check_removals(run, found, max_share=context.removals_max_share)
    lease.commit(
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
    return NextTask.LANES


def _read_step(run: Run, *, context: PipelineContext) -> NextTask:
    """Read batches for LANE_SECONDS; the worker that finds none left starts the grouping."""
    until = time.monotonic() + LANE_SECONDS
    while time.monotonic() < until:
        _check_cancel(run.id)
        batch = claim_batch(run.id)
        if batch is not None:
            _process_batch(batch, run=run, context=context)
        elif has_open_batches(run.id):
            time.sleep(HELD_ELSEWHERE_SECONDS)  # leased by another worker, which may die: wait
        else:
            Run.objects(id=run.id, state=RunState.WORKING).modify(set__state=RunState.GROUPING)
            return NextTask.AGAIN
    return NextTask.AGAIN


def _process_batch(batch: Batch, *, run: Run, context: PipelineContext) -> None:
    """Read one batch; release it if a store is unavailable."""
    lease = Lease(batch)
    with extend_in_background(lease, or_on_error=_is_away):
        try:
            process_batch(batch, run=run, lease=lease, context=context)
        except LeaseLost as lost:
            logger.info("Run %s: %s", run.id, lost)
        except Exception as error:
            release_batch(batch, lease, blameless=_is_away(error))
            if _is_away(error):
                raise
            logger.exception("Batch %s failed", batch.id)


def _group_step(run: Run, *, context: PipelineContext, runs_kept: int) -> NextTask:
    """Group, switch, clean up, and finish the run."""
    leased = _take_run_lease(run)
    if leased is None:
        return NextTask.NOTHING
    lease = Lease(leased)

    def check() -> None:
        lease.check()
        _check_cancel(run.id, unless_current=run.collection)

    with extend_in_background(lease, or_on_error=_is_away):
        group_run(leased, context=context, check=check, runs_kept=runs_kept)
        lease.check()
        end_run(leased, RunState.FINISHED)
    return NextTask.NOTHING


def _take_run_lease(run: Run, **updates: Any) -> Run | None:
    """Take the run's lease, None if a live worker has it."""
    return None if is_lease_live(run) else take_lease(run, set__heartbeat=timezone.now(), **updates)


def _check_cancel(run_id: str, *, unless_current: str = "") -> None:
    """Raise RunCancelled if requested.

    With ``unless_current``, a run that is already the collection's current one continues.
    """
    fresh = Run.objects(id=run_id).only("cancel_requested").first()
    if fresh is None:
        raise RunCancelled  # cancelled and deleted while this worker was busy
    if not fresh.cancel_requested:
        return
    if unless_current:
        collection = Collection.objects(path=unless_current).first()
        if collection.current_run == run_id:
            return
    raise RunCancelled


def end_run(run: Run, state: RunState, *, code: str = "", reason: str = "") -> None:
    """Store the final state of a run, then release its collection for the next run."""
    Run.objects(id=run.id).update_one(
        set__state=state,
        set__failure_code=code,
        set__failure=reason,
        set__waiting_for="",
        set__finished_at=timezone.now(),
        set__heartbeat=timezone.now(),
        set__lease_owner="",
        set__lease_until=0,
    )
    Collection.objects(path=run.collection, active_run=run.id).modify(
        set__active_run="", set__updated_at=timezone.now()
    )

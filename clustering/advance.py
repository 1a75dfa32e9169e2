"""Take a run one step further: what a worker does each time a run's task comes up.

Any number of workers may call this for the same run at once, and any of them may be killed:
listing and grouping are held under the run's lease, batches under their own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from django.utils import timezone

from clustering.documents import Batch, Collection, Run, RunState
from clustering.errors import CollectionAway, RunCancelled
from clustering.pipeline import Tools, batch_claim, batch_work, batches_left, run_group, run_list
from clustering.pipeline.batches import batch_release
from clustering.pipeline.listing import Listing, removals_check
from clustering.services import run_end
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
from storage.leases import Lease, lease_extended, lease_is_live, lease_take
from storage.names import CollectionName
from vision import VisionError

logger = logging.getLogger(__name__)

LANE_SECONDS = 15.0
HELD_ELSEWHERE_SECONDS = 1.0


class Next(StrEnum):
    """What the caller has to enqueue after a step."""

    LANES = "lanes"
    AGAIN = "again"
    NOTHING = "nothing"


def run_advance(run: Run, *, open_tools: Callable[[Run], Tools], runs_kept: int) -> Next:
    """Do what the run needs next and say what should follow.

    A store that is away leaves the run where it is, with a sentence; the sweep comes back for it.
    """
    if not run.is_active:
        return Next.NOTHING
    if run.cancel_requested:
        _run_stop(run)
        return Next.NOTHING
    try:
        return _step(run, tools=open_tools(run), runs_kept=runs_kept)
    except LeaseLost as lost:
        logger.info("Run %s: %s", run.id, lost)
        return Next.NOTHING
    except RunCancelled:
        _run_stop(run)
        return Next.NOTHING
    except NoSuchBucket as gone:  # it was there when the run was started
        return _run_recording(run, gone)
    except (Missing, Conflict, VisionError) as failure:
        run_end(run, RunState.FAILED, code=failure.code, reason=str(failure))
        return Next.NOTHING
    except Exception as error:  # noqa: BLE001 - recorded on the run with its traceback in the log
        return _run_recording(run, error)


def _step(run: Run, *, tools: Tools, runs_kept: int) -> Next:
    """Dispatch on the state."""
    if run.state in (RunState.QUEUED, RunState.LISTING):
        return _list(run, tools=tools)
    if run.state == RunState.WORKING:
        return _work(run, tools=tools)
    return _group(run, tools=tools, runs_kept=runs_kept)


def _run_recording(run: Run, error: Exception) -> Next:
    """Let a run wait for a store that is away, and end it with a reason for anything else."""
    away = _away(error)
    if away is None:
        logger.exception("Run %s failed", run.id)
        code = error.code if isinstance(error, StorageError) else "internal_error"
        reason = (
            str(error)
            if isinstance(error, StorageError)
            else ("Something unforeseen happened; the worker's log has the details.")
        )
        run_end(run, RunState.FAILED, code=code, reason=reason)
        return Next.NOTHING
    logger.warning("Run %s waits: %s", run.id, away)
    if away.store != "mongodb":
        Run.objects(id=run.id).update_one(set__waiting_for=str(away))
    return Next.NOTHING


def _away(error: BaseException) -> Unavailable | None:
    """Return what an error says of a store that is away; so is a bucket that has disappeared."""
    if isinstance(error, NoSuchBucket):
        return StoreUnavailable(str(error), store="bucket")
    return error if isinstance(error, Unavailable) else unavailable_from(error)


def _is_away(error: BaseException) -> bool:
    return _away(error) is not None


def _run_stop(run: Run) -> None:
    """End a run that somebody cancelled, once nobody works on it."""
    run_end(run, RunState.CANCELLED)


def _list(run: Run, *, tools: Tools) -> Next:
    """List the bucket into batches."""
    held = _held(run, set__state=RunState.LISTING, set__started_at=run.started_at or timezone.now())
    if held is None:
        return Next.NOTHING
    name = CollectionName.parse(run.collection)

    def report(found: Listing) -> None:
        lease.check()
        _check_cancel(run.id)
        Run.objects(id=run.id).update_one(
            set__listed=found.read, set__todo=found.todo, set__heartbeat=timezone.now()
        )

    lease = Lease(held)
    with lease_extended(lease, or_on_error=_is_away):
        found = run_list(held, objects=tools.bucket.iter_objects(name.prefix), report=report)
        had_photos = found.listed or run.had_photos
        if found.gone and had_photos and tools.bucket.is_empty(name.prefix):
            raise CollectionAway(run.collection)
        removals_check(run, found, max_share=tools.removals_max_share)
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
    return Next.LANES


def _work(run: Run, *, tools: Tools) -> Next:
    """Read batches for a while; the worker that finds none left begins the grouping."""
    until = time.monotonic() + LANE_SECONDS
    while time.monotonic() < until:
        _check_cancel(run.id)
        batch = batch_claim(run.id)
        if batch is not None:
            _batch(batch, run=run, tools=tools)
        elif batches_left(run.id):
            time.sleep(HELD_ELSEWHERE_SECONDS)  # another worker has them; it may die, so stay
        else:
            Run.objects(id=run.id, state=RunState.WORKING).modify(set__state=RunState.GROUPING)
            return Next.AGAIN
    return Next.AGAIN


def _batch(batch: Batch, *, run: Run, tools: Tools) -> None:
    """Read one batch; give it back when a store is away."""
    lease = Lease(batch)
    with lease_extended(lease, or_on_error=_is_away):
        try:
            batch_work(batch, run=run, lease=lease, tools=tools)
        except LeaseLost as lost:
            logger.info("Run %s: %s", run.id, lost)
        except Exception as error:
            batch_release(batch, lease, blameless=_is_away(error))
            if _is_away(error):
                raise
            logger.exception("Batch %s failed", batch.id)


def _group(run: Run, *, tools: Tools, runs_kept: int) -> Next:
    """Group, switch, tidy up, and end the run."""
    held = _held(run)
    if held is None:
        return Next.NOTHING
    lease = Lease(held)

    def check() -> None:
        lease.check()
        _check_cancel(run.id, unless_current=run.collection)

    with lease_extended(lease, or_on_error=_is_away):
        run_group(held, tools=tools, check=check, runs_kept=runs_kept)
        lease.check()
        run_end(held, RunState.FINISHED)
    return Next.NOTHING


def _held(run: Run, **updates: Any) -> Run | None:
    """Take the run's lease unless a living worker has it."""
    return None if lease_is_live(run) else lease_take(run, set__heartbeat=timezone.now(), **updates)


def _check_cancel(run_id: str, *, unless_current: str = "") -> None:
    """Raise RunCancelled if asked for; a run that readers see already is finished instead."""
    fresh = Run.objects(id=run_id).only("cancel_requested").first()
    if fresh is None:
        raise RunCancelled  # and deleted, while this worker was busy
    if not fresh.cancel_requested:
        return
    if unless_current:
        collection = Collection.objects(path=unless_current).first()
        if collection.current_run == run_id:
            return
    raise RunCancelled

"""Jobs: documents that workers process in steps, and that a cancel, a kill or an outage interrupts.

A step runs under the job's lease. Its outcome is written together with the release of the lease, so
that a worker which lost the lease changes nothing. A sweep enqueues the jobs that have no worker;
each time a job enters a new round, and the tasks of earlier rounds end without work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from django.utils import timezone
from mongoengine import Document, fields

from storage.errors import LeaseLost, StorageError, Unavailable, is_unavailable, unavailable_from
from storage.fields import TimestampField
from storage.leases import LEASE_SECONDS, Lease, hold_lease, is_lease_live

logger = logging.getLogger(__name__)

J = TypeVar("J", bound="Job")
T = TypeVar("T")

UNFORESEEN = "An unexpected error occurred; the worker's log has the details."


class Job(Document):
    """Fields of a job; a subclass adds ``state``, whose final values are those of JobKind."""

    created_at = TimestampField(required=True)
    finished_at = TimestampField()
    heartbeat = TimestampField(required=True)
    lease_owner = fields.StringField(default="")
    lease_until = fields.LongField(default=0)
    task_round = fields.IntField(default=0)
    cancel_requested = fields.BooleanField(default=False)
    waiting_for = fields.StringField(default="")
    failure_code = fields.StringField(default="")
    failure = fields.StringField(default="")

    meta: ClassVar[dict[str, Any]] = {"abstract": True}

    @property
    def is_active(self) -> bool:
        """Say whether the job is queued or running."""
        raise NotImplementedError


class JobCancelled(Exception):
    """Cancellation was requested; the worker stops here."""


def _do_nothing(_: Job) -> None:
    """Stand for a step that a kind of job does not need."""


@dataclass(frozen=True)
class JobKind:
    """What differs between kinds of jobs.

    ``clean_up`` runs before the end is recorded, so that a kill in between leaves nothing behind;
    ``end_updates`` are written with it, and ``release`` runs after it. ``outage`` translates an
    error to the outage that the job waits for, None if it ends the job. ``expected`` errors have a
    ``code`` and are not logged with a traceback.
    """

    finished: StrEnum
    failed: StrEnum
    cancelled: StrEnum
    clean_up: Callable[[Job], None] = _do_nothing
    end_updates: Mapping[str, object] = field(default_factory=dict)
    release: Callable[[Job], None] = _do_nothing
    outage: Callable[[BaseException], Unavailable | None] = unavailable_from
    expected: tuple[type[Exception], ...] = (StorageError,)


def perform_step(job: Job, work: Callable[[Lease], T], *, kind: JobKind) -> T | None:
    """Do a part of a job's work under its lease, and record what ended or stopped it.

    Return what ``work`` returns; None if another worker has the lease, or if the job ended, was
    cancelled, or waits for a store.
    """
    try:
        with hold_lease(job, set__heartbeat=timezone.now()) as lease:
            if lease is not None and lease.document.is_active:
                return _work_recording(lease, work, kind=kind)
    except Exception as error:
        if not is_unavailable(error):
            raise
        logger.warning("%s %s waits: %s", type(job).__name__, job.id, unavailable_from(error))
    return None


def end_job(
    lease: Lease, state: StrEnum, *, kind: JobKind, code: str = "", reason: str = ""
) -> bool:
    """Record how a job ended and release its lease; False if another worker has the lease."""
    lease.extend()
    try:
        lease.check()
    except LeaseLost:
        return False
    kind.clean_up(lease.document)
    now = timezone.now()
    ended = lease.commit(
        set__state=state,
        set__failure_code=code,
        set__failure=reason,
        set__waiting_for="",
        set__finished_at=now,
        set__heartbeat=now,
        **kind.end_updates,
    )
    if ended:
        kind.release(lease.document)
    return ended


def request_cancel(job: J, *, kind: JobKind) -> J | None:
    """Request a job to stop at its next safe point; return it, None if it has ended otherwise."""
    documents = type(job).objects
    final = [str(state) for state in (kind.finished, kind.failed, kind.cancelled)]
    asked = documents(id=job.id, state__nin=final).modify(new=True, set__cancel_requested=True)
    if asked is not None:
        return asked
    ended = documents(id=job.id).first()
    return ended if ended is not None and ended.state == kind.cancelled else None


def check_cancel(job: Job) -> None:
    """Raise JobCancelled if cancellation was requested or the job is deleted."""
    fresh = type(job).objects(id=job.id).only("cancel_requested").first()
    if fresh is None or fresh.cancel_requested:
        raise JobCancelled


def needs_worker(job: Job, *, everything: bool) -> bool:
    """Say whether a sweep has to enqueue a job: no worker has it, and none had it for a lease.

    With ``everything``, as after a restart, a job that no worker has is enqueued at once.
    """
    if not job.is_active or is_lease_live(job):
        return False
    return everything or job.heartbeat < timezone.now() - timedelta(seconds=LEASE_SECONDS)


def next_round(kind: type[Job], job_id: str) -> int:
    """Start a new round of tasks, which replace those of a job that are still in the queue."""
    job = kind.objects(id=job_id).modify(inc__task_round=1, new=True)
    return 0 if job is None else job.task_round


def is_outdated(job: Job, task_round: int | None) -> bool:
    """Say whether a task was replaced by one of a later round; one without a round never is."""
    return task_round is not None and task_round != job.task_round


def _work_recording(lease: Lease, work: Callable[[Lease], T], *, kind: JobKind) -> T | None:
    try:
        return work(lease)
    except LeaseLost as lost:
        logger.info("%s", lost)
    except JobCancelled:
        end_job(lease, kind.cancelled, kind=kind)
    except Exception as error:  # noqa: BLE001 - recorded on the job, its traceback in the log
        _record_failure(lease, error, kind=kind)
    return None


def _record_failure(lease: Lease, error: Exception, *, kind: JobKind) -> None:
    """Let a job wait for an unavailable store; end it with a reason for any other error."""
    job = lease.document
    outage = kind.outage(error)
    if outage is not None:
        logger.warning("%s %s waits: %s", type(job).__name__, job.id, outage)
        if outage.store != "mongodb":
            lease.commit(set__waiting_for=str(outage))
        return
    if isinstance(error, kind.expected):
        code = getattr(error, "code", "failed")
        end_job(lease, kind.failed, kind=kind, code=code, reason=str(error))
        return
    logger.error("%s %s failed", type(job).__name__, job.id, exc_info=error)
    end_job(lease, kind.failed, kind=kind, code="internal_error", reason=UNFORESEEN)

"""Jobs: what ends, stops and resumes them, and that only the owner of the lease writes it."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

import pytest
from django.utils import timezone
from mongoengine import fields

from storage.errors import Conflict, LeaseLost, StoreUnavailable
from storage.jobs import (
    UNFORESEEN,
    Job,
    JobCancelled,
    JobKind,
    check_cancel,
    end_job,
    is_outdated,
    needs_worker,
    next_round,
    perform_step,
    request_cancel,
)
from storage.leases import Lease, take_lease

pytestmark = pytest.mark.services


class State(StrEnum):
    """States of the job of these tests."""

    QUEUED = "queued"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Chore(Job):
    """A job with nothing but its state."""

    id = fields.StringField(primary_key=True)
    state = fields.EnumField(State, default=State.QUEUED)
    note = fields.StringField(default="")

    meta: ClassVar = {"collection": "chores_of_tests"}

    @property
    def is_active(self):
        return self.state == State.QUEUED


@pytest.fixture
def log():
    return []


@pytest.fixture
def kind(log):
    return JobKind(
        finished=State.FINISHED,
        failed=State.FAILED,
        cancelled=State.CANCELLED,
        clean_up=lambda job: log.append(("clean up", read().state.value)),
        end_updates={"set__note": "ended"},
        release=lambda job: log.append(("release", read().state.value)),
    )


@pytest.fixture
def chore(stores):
    now = timezone.now()
    yield Chore(id="a", created_at=now, heartbeat=now).save()
    Chore.drop_collection()


def read():
    return Chore.objects(id="a").first()


def raising(error):
    def work(_lease):
        raise error

    return work


def test_step_returns_what_the_work_returns_and_releases_the_lease(chore, kind):
    assert perform_step(chore, lambda lease: lease.document.id, kind=kind) == "a"

    assert (read().state, read().lease_owner) == (State.QUEUED, "")


def test_step_of_a_leased_job_does_nothing(chore, kind):
    taken = take_lease(chore)

    assert perform_step(read(), raising(AssertionError), kind=kind) is None

    assert read().lease_owner == taken.lease_owner


def test_step_sees_the_job_as_it_is_when_the_lease_is_taken(chore, kind):
    """A job that ended after it was read has the same lease as before it began."""
    outdated = read()
    assert end_job(Lease(take_lease(chore)), State.FINISHED, kind=kind)

    assert perform_step(outdated, raising(AssertionError), kind=kind) is None

    assert read().state == State.FINISHED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Conflict("It is there."), (State.FAILED, "conflict", "It is there.")),
        (ValueError("a bug"), (State.FAILED, "internal_error", UNFORESEEN)),
        (JobCancelled(), (State.CANCELLED, "", "")),
        (LeaseLost("gone"), (State.QUEUED, "", "")),
        (StoreUnavailable("Away.", store="bucket"), (State.QUEUED, "", "")),
    ],
)
def test_error_of_a_step_is_recorded(chore, kind, error, outcome, caplog):
    assert perform_step(chore, raising(error), kind=kind) is None

    job = read()
    assert (job.state, job.failure_code, job.failure) == outcome
    assert job.lease_owner == ""
    assert job.waiting_for == ("Away." if isinstance(error, StoreUnavailable) else "")
    assert bool(job.finished_at) == (job.state != State.QUEUED)
    assert ("a bug" in caplog.text) == isinstance(error, ValueError)


def test_end_cleans_up_before_and_releases_after(chore, kind, log):
    assert end_job(Lease(take_lease(chore)), State.FINISHED, kind=kind)

    assert log == [("clean up", "queued"), ("release", "finished")]
    assert read().note == "ended"


@pytest.mark.parametrize("error", [ValueError("late"), Conflict("late"), JobCancelled()])
def test_worker_that_lost_the_lease_records_nothing(chore, kind, log, error):
    other = []

    def work(_lease):
        Chore.objects(id="a").update_one(set__lease_until=0)
        other.append(take_lease(read()))
        raise error

    assert perform_step(chore, work, kind=kind) is None

    assert (read().state, read().lease_owner) == (State.QUEUED, other[0].lease_owner)
    assert log == []


def test_step_during_an_outage_of_the_document_store_leaves_the_job(chore, kind, monkeypatch):
    def away(*_args, **_updates):
        raise StoreUnavailable("Away.", store="mongodb")

    monkeypatch.setattr("storage.leases.take_lease", away)

    assert perform_step(chore, raising(AssertionError), kind=kind) is None

    assert read().state == State.QUEUED


def test_cancel_is_requested_once_and_only_of_unfinished_jobs(chore, kind):
    assert request_cancel(chore, kind=kind).cancel_requested
    with pytest.raises(JobCancelled):
        check_cancel(chore)
    perform_step(chore, lambda lease: check_cancel(lease.document), kind=kind)
    assert request_cancel(chore, kind=kind).state == State.CANCELLED
    Chore.objects(id="a").update_one(set__state=State.FINISHED)
    assert request_cancel(read(), kind=kind) is None
    Chore.objects(id="a").delete()
    assert request_cancel(chore, kind=kind) is None


def test_deleted_job_counts_as_cancelled(chore):
    chore.delete()

    with pytest.raises(JobCancelled):
        check_cancel(chore)


def test_only_an_unfinished_job_without_a_worker_needs_one(chore, kind):
    assert not needs_worker(chore, everything=False)
    assert needs_worker(chore, everything=True)
    Chore.objects(id="a").update_one(set__heartbeat=timezone.now() - timedelta(minutes=1))
    assert needs_worker(read(), everything=False)
    leased = take_lease(read())
    assert not needs_worker(leased, everything=False)
    assert not needs_worker(leased, everything=True)
    end_job(Lease(leased), State.FINISHED, kind=kind)
    assert not needs_worker(read(), everything=True)


def test_tasks_of_earlier_rounds_are_outdated(chore):
    assert [is_outdated(chore, number) for number in (None, 0, 1)] == [False, False, True]
    assert next_round(Chore, "a") == 1
    assert [is_outdated(read(), number) for number in (None, 0, 1)] == [False, True, False]
    assert next_round(Chore, "nothing") == 0

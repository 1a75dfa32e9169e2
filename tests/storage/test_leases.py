"""Leases: validity, concurrent claims, extension, and writes after the loss of a lease."""

import threading
import time

import mongoengine as me
import pytest

from storage import leases
from storage.errors import LeaseLost, StoreUnavailable
from storage.leases import Lease, hold_lease, is_lease_live, keep_lease, take_lease

pytestmark = pytest.mark.services

SECONDS = 20
START_MS = 1_700_000_000_000
PATIENCE_S = 20


class Job(me.Document):
    """A document with a lease, and a field that its owner writes."""

    id = me.StringField(primary_key=True)
    lease_owner = me.StringField(default="")
    lease_until = me.LongField(default=0)
    note = me.StringField(default="")


class Clock:
    """Replaces the wall clock and the monotonic clock of leases; tests advance it."""

    def __init__(self):
        self.seconds = 0.0
        self.each_reading = 0.0  # how long a reading of the wall clock takes

    def monotonic(self):
        return 1000.0 + self.seconds

    def time_ns(self):
        self.seconds += self.each_reading
        return (START_MS + round(self.seconds * 1000)) * 1_000_000


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(leases, "time", clock)
    return clock


@pytest.fixture
def job(mongodb):
    return Job(id="job").save()


def read():
    return Job.objects(id="job").first()


def stored():
    job = read()
    return job.lease_owner, job.lease_until, job.note


def test_claim_writes_owner_expiry_and_updates(job, clock):
    taken = take_lease(job, seconds=SECONDS, set__note="mine")

    assert taken.lease_owner
    assert stored() == (taken.lease_owner, START_MS + SECONDS * 1000, "mine")


def test_each_claim_has_a_unique_owner(job, clock):
    first = take_lease(job)

    assert take_lease(first).lease_owner != first.lease_owner


@pytest.mark.parametrize(
    ("owner", "left_ms", "is_live"),
    [("worker", 1, True), ("worker", 0, False), ("worker", -1, False), ("", 1000, False)],
)
def test_lease_is_live_until_its_expiry_and_only_with_an_owner(clock, owner, left_ms, is_live):
    assert is_lease_live(Job(lease_owner=owner, lease_until=START_MS + left_ms)) is is_live


def test_second_claim_of_the_same_state_fails(job, clock):
    first = take_lease(job, set__note="first")

    assert take_lease(job, set__note="second") is None
    assert stored() == (first.lease_owner, first.lease_until, "first")


def test_lease_extended_since_it_was_read_is_not_taken(job, clock):
    """The owner was slow, not killed: another worker had read the lease as expired."""
    owner = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    clock.seconds = SECONDS + 1
    run_out = read()
    assert not is_lease_live(run_out)

    owner.extend()

    assert take_lease(run_out, set__note="taken over") is None
    assert stored()[1:] == (START_MS + (2 * SECONDS + 1) * 1000, "")
    owner.check()


def test_lease_taken_over_in_the_same_millisecond_is_not_taken(job, clock):
    run_out = take_lease(job)

    taken = take_lease(run_out)

    assert taken.lease_until == run_out.lease_until
    assert take_lease(run_out) is None
    assert read().lease_owner == taken.lease_owner


def test_one_of_many_concurrent_takeovers_succeeds(job):
    run_out = take_lease(job, seconds=0)
    start, taken = threading.Barrier(8), []

    def take(number):
        start.wait()
        taken.append(take_lease(run_out, set__note=f"worker {number}"))

    workers = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    [winner] = [one for one in taken if one is not None]
    assert len(taken) == 8
    assert stored() == (winner.lease_owner, winner.lease_until, winner.note)


def test_lease_is_valid_until_it_expires(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)

    clock.seconds = SECONDS - 0.001
    lease.check()
    clock.seconds = SECONDS

    with pytest.raises(LeaseLost):
        lease.check()


def test_extended_lease_is_valid_for_its_full_length(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)

    clock.seconds = SECONDS - 5
    lease.extend()

    assert stored()[1] == START_MS + (2 * SECONDS - 5) * 1000
    clock.seconds = 2 * SECONDS - 5.001
    lease.check()
    clock.seconds = 2 * SECONDS - 5
    with pytest.raises(LeaseLost):
        lease.check()


def test_extension_counts_from_before_the_request(job, clock):
    """Other workers use the stored expiry, so the owner must not assume a later one."""
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)

    clock.each_reading = 3
    lease.extend()
    clock.each_reading = 0

    assert stored()[1] == START_MS + (SECONDS + 3) * 1000
    clock.seconds = SECONDS
    with pytest.raises(LeaseLost):
        lease.check()


def test_expired_lease_that_was_not_taken_over_can_be_extended(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    clock.seconds = SECONDS + 100

    lease.extend()

    lease.check()
    assert stored()[1] == START_MS + (2 * SECONDS + 100) * 1000


def test_extension_after_a_takeover_fails_and_keeps_the_new_lease(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    clock.seconds = SECONDS
    taken = take_lease(read(), seconds=SECONDS)
    clock.seconds = SECONDS + 5

    lease.extend()

    assert stored() == (taken.lease_owner, taken.lease_until, "")
    with pytest.raises(LeaseLost, match="job"):
        lease.check()


def test_lost_lease_is_invalid_before_its_expiry(job, clock):
    """The lease has not expired: the document was given to another worker, as a removal does."""
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    job.modify(set__lease_owner="another")

    lease.extend()

    with pytest.raises(LeaseLost):
        lease.check()


def test_commit_writes_and_releases_the_lease(job, clock):
    lease = Lease(take_lease(job), seconds=SECONDS)

    assert lease.commit(set__note="done") is True

    assert stored() == ("", 0, "done")
    assert not is_lease_live(read())
    with pytest.raises(LeaseLost):
        lease.check()


def test_released_lease_writes_nothing(job, clock):
    lease = Lease(take_lease(job), seconds=SECONDS)
    lease.commit(set__note="done")

    assert lease.commit(set__note="again") is False
    lease.extend()

    assert stored() == ("", 0, "done")


def test_commit_after_a_takeover_writes_nothing(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    clock.seconds = SECONDS
    taken = take_lease(read(), seconds=SECONDS, set__note="the new one's")

    assert lease.commit(set__note="the old one's") is False

    assert stored() == (taken.lease_owner, taken.lease_until, "the new one's")


def test_commit_after_expiry_succeeds_without_a_takeover(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    clock.seconds = 10 * SECONDS

    assert lease.commit(set__note="late") is True

    assert stored() == ("", 0, "late")


def test_lease_of_a_removed_document_is_lost(job, clock):
    lease = Lease(take_lease(job), seconds=SECONDS)
    job.delete()

    lease.extend()

    with pytest.raises(LeaseLost):
        lease.check()
    assert lease.commit(set__note="done") is False


def wait_for(condition):
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def extended_times(lease, count):
    """Wait until the stored expiry has changed this often; assert the lease is valid meanwhile."""
    for _ in range(count):
        lease.check()
        before = read().lease_until
        wait_for(lambda before=before: read().lease_until > before)
    lease.check()


def test_background_extension_keeps_the_lease_valid_during_long_work(job):
    with hold_lease(job, seconds=2) as lease:
        extended_times(lease, 5)  # longer than its length

    assert not [one for one in threading.enumerate() if one.name == "lease"]
    assert (read().lease_owner, read().lease_until) == ("", 0)


def test_running_work_detects_a_lost_lease(job):
    with hold_lease(job, seconds=1) as lease:
        while (taken := take_lease(read())) is None:
            pass  # it was extended after it was read
        wait_for(lambda: is_lost(lease))

    assert read().lease_owner == taken.lease_owner


def is_lost(lease):
    try:
        lease.check()
    except LeaseLost:
        return True
    return False


AWAY = StoreUnavailable("away", store="mongodb")


@pytest.fixture
def away(monkeypatch):
    """Make the first extensions fail as if the store were unavailable; return the failures."""
    failed, really = [], Lease.extend

    def away(times, error=AWAY):
        def extend(lease):
            if len(failed) < times:
                failed.append(lease)
                raise error
            really(lease)

        monkeypatch.setattr(Lease, "extend", extend)
        return failed

    return away


def test_extension_is_retried_while_the_store_is_unavailable(job, away):
    failed = away(2)

    with hold_lease(job, seconds=2) as lease:
        extended_times(lease, 2)

    assert len(failed) == 2


def test_lease_is_lost_if_the_store_is_unavailable_for_longer(job, away):
    failed = away(10_000)

    with hold_lease(job, seconds=0.4) as lease:
        wait_for(lambda: is_lost(lease))

    assert len(failed) > 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_extension_is_not_retried_after_other_errors(job, away):
    failed = away(10_000, ValueError("not an outage"))

    with hold_lease(job, seconds=0.4) as lease:
        wait_for(lambda: is_lost(lease))

    assert len(failed) == 1


def test_lease_of_another_process_is_not_held(job):
    taken = take_lease(job)

    with hold_lease(read()) as lease:
        assert lease is None

    assert read().lease_owner == taken.lease_owner


def test_update_keeps_the_lease_and_fails_after_a_takeover(job, clock):
    lease = Lease(take_lease(job, seconds=SECONDS), seconds=SECONDS)
    lease.update(set__note="half")
    assert read().note == "half"
    assert read().lease_owner == lease.document.lease_owner
    clock.seconds = SECONDS
    take_lease(read(), seconds=SECONDS)

    with pytest.raises(LeaseLost):
        lease.update(set__note="late")

    assert read().note == "half"
    with pytest.raises(LeaseLost):
        lease.check()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_held_lease_is_released_after_an_error(job, error):
    with pytest.raises(error), hold_lease(job):
        raise error

    assert not is_lease_live(read())


def test_outage_at_the_release_does_not_replace_the_first_error(job, monkeypatch):
    def commit(_lease):
        raise StoreUnavailable("away", store="mongodb")

    monkeypatch.setattr(Lease, "commit", commit)
    with pytest.raises(ValueError, match="first"), keep_lease(take_lease(job)):
        raise ValueError("first")

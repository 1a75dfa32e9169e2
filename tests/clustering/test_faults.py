"""Faults in mid-run: nothing is lost, nothing is double, the run says what it waits for."""

import pytest

from clustering.documents import Batch, BatchState, Collection, RunState
from clustering.errors import RunNotResumable
from clustering.pipeline.batches import MAX_ATTEMPTS, claim_batch, process_batch
from clustering.pipeline.step import NextTask
from clustering.run_lifecycle import reopen_run, request_cancel
from clustering.selectors import get_run, iter_collection_faces, iter_members
from storage.errors import CredentialsRefused, ObjectUnreadable, ObjectVanished, store_unavailable
from storage.leases import Lease, take_lease

pytestmark = pytest.mark.services


class Away:
    """A store that is away for a number of calls, then the real one."""

    def __init__(self, real, *, method, times, error):
        self._real, self._method, self._left, self._error = real, method, times, error

    def __getattr__(self, name):
        if name == self._method and self._left > 0:
            return self._refuse
        return getattr(self._real, name)

    def _refuse(self, *_args, **_kwargs):
        self._left -= 1
        raise self._error


def expire_leases(run):
    """Let the leases of a run run out, as they do 20 s after their worker died."""
    for document in (get_run(run.id), *Batch.objects(run=run.id)):
        if document.lease_owner:
            document.modify(set__lease_until=1)


def ids(run):
    return sorted(member.face for member in iter_members(run))


def test_a_store_that_is_away_makes_the_run_wait_and_go_on(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, shade=number)
    run = painted.start(batch_size=2)
    painted.advance(run)
    away = Away(painted.vectors, method="upsert", times=1, error=store_unavailable("qdrant"))

    assert painted.advance(run, vectors=away) == NextTask.NOTHING
    waiting = get_run(run.id)
    finished = painted.finish(run, vectors=away)

    assert waiting.state == RunState.WORKING
    assert "Qdrant" in waiting.waiting_for
    assert finished.state == RunState.FINISHED
    assert finished.waiting_for == ""
    assert finished.stats["total_faces"] == 4
    assert all(batch.attempts == 0 for batch in Batch.objects(run=run.id))


def test_refused_credentials_make_the_run_wait_with_a_sentence(painted):
    painted.paint("a.png", 1)
    run = painted.start()
    refused = CredentialsRefused("The S3 endpoint refuses the credentials.", store="bucket")
    bucket = Away(painted.bucket, method="iter_objects", times=1, error=refused)

    painted.advance(run, bucket=bucket)

    assert get_run(run.id).waiting_for == "The S3 endpoint refuses the credentials."
    expire_leases(run)
    assert painted.finish(run).state == RunState.FINISHED


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ObjectVanished("gone since the listing"), "vanished"),
        (ObjectUnreadable("may not be read"), "unreadable_object"),
    ],
)
def test_an_object_that_cannot_be_read_is_skipped_and_tried_again_next_time(painted, error, reason):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    bucket = Away(painted.bucket, method="read", times=1, error=error)

    first = painted.finish(painted.start(), bucket=bucket)
    second = painted.run()

    assert first.skipped == {reason: 1}
    assert second.todo == 1
    assert second.stats["total_faces"] == 2


def test_a_dead_workers_batch_is_taken_over_and_changes_nothing(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, shade=number)
    expected = ids(painted.run())
    run = painted.start(full=True, batch_size=2)
    painted.advance(run)
    dead = claim_batch(run.id)
    lease = Lease(dead)
    process_batch(dead, run=get_run(run.id), lease=Lost(), context=painted.context())

    expire_leases(run)
    finished = painted.finish(run)

    assert lease.commit(set__state=BatchState.DONE) is False
    assert ids(finished) == expected
    assert finished.done == 4
    assert len(list(iter_collection_faces(painted.name.path))) == 4


class Lost:
    """The lease of a worker that dies before its commit: it checks well and commits never."""

    def check(self):
        pass

    def commit(self, **_updates):
        return False


def test_a_photo_that_kills_its_worker_is_found_and_skipped(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    painted.paint("poison.png", 2)

    def die_of_poison(images, faces=painted.engine.faces):
        found = faces(images)
        if any(image.pixels[0, 0, 0] == 2 for image in images):
            raise RuntimeError("the worker dies of this one")
        return found

    painted.engine.faces = die_of_poison
    run = painted.start()

    finished = painted.finish(run)

    assert finished.state == RunState.FINISHED
    assert finished.skipped == {"crashed": 1}
    assert finished.stats["total_faces"] == 3
    assert MAX_ATTEMPTS == 3


def test_grouping_can_be_repeated_from_any_point(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, 2, shade=number)
    expected = ids(painted.run())
    run = painted.start(full=True)
    while get_run(run.id).state != RunState.GROUPING:
        painted.advance(run)
    away = Away(painted.vectors, method="set_payload", times=1, error=store_unavailable("qdrant"))

    painted.advance(run, vectors=away)
    switched = Collection.objects(path=painted.name.path).first().current_run
    expire_leases(run)
    finished = painted.finish(run)

    assert switched == run.id
    assert finished.state == RunState.FINISHED
    assert ids(finished) == expected


def test_a_cancelled_run_stops_keeps_the_old_one_and_can_go_on(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, shade=number)
    old = painted.run()
    painted.paint("new.png", 1, shade=9)
    run = painted.start()
    painted.advance(run)

    request_cancel(get_run(run.id))
    cancelled = painted.finish(run)

    assert cancelled.state == RunState.CANCELLED
    collection = Collection.objects(path=painted.name.path).first()
    assert (collection.current_run, collection.active_run) == (old.id, "")
    reopen_run(cancelled)
    resumed = painted.finish(run)
    assert resumed.state == RunState.FINISHED
    assert resumed.stats["total_faces"] == 5


def test_only_the_newest_ended_run_can_be_resumed(painted):
    painted.paint("a.png", 1)
    finished = painted.run()

    with pytest.raises(RunNotResumable):
        reopen_run(finished)


def test_two_workers_never_hold_one_lease(painted):
    painted.paint("a.png", 1)
    run = get_run(painted.start().id)

    first = take_lease(run)
    second = take_lease(run)

    assert first is not None
    assert second is None

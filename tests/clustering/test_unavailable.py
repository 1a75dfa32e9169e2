"""Runs wait for a bucket that is unavailable or refuses access, and continue afterwards."""

import errno
import os

import pytest

from clustering.documents import Batch, Collection, RunState
from clustering.selectors import get_run, iter_collection_faces, iter_members

pytestmark = pytest.mark.services

PHOTOS = 6


def places(run):
    """Return face and cluster of every member."""
    return sorted((member.face, member.cluster) for member in iter_members(run))


def expire_leases(run):
    """Expire the leases of a run, as happens 20 s after their worker stopped."""
    for document in (get_run(run.id), *Batch.objects(run=run.id)):
        if document.lease_owner:
            document.modify(set__lease_until=1)


def assert_nothing_is_lost(painted, first):
    """Compare faces, vectors, crops and the current run with a finished run."""
    faces = [face for face, _ in places(first)]
    assert sorted(face.id for face in iter_collection_faces(painted.name.path)) == faces
    assert painted.vectors.retrieve("painted-vectors", faces).keys() == set(faces)
    assert painted.crops.missing(faces) == []
    assert Collection.objects(path=painted.name.path).first().current_run == first.id


def paint_all(painted):
    for number in range(PHOTOS):
        painted.paint(f"p{number}.png", number % 2 + 1, shade=number)


def move_bucket(painted):
    return painted.folder.parent


def move_folder(painted):
    return painted.folder


@pytest.mark.parametrize("moved", [move_bucket, move_folder])
def test_run_waits_for_a_folder_moved_during_reading(painted, moved):
    paint_all(painted)
    first = painted.run()
    run = painted.start(full=True, batch_size=2)
    painted.advance(run)  # lists
    there = moved(painted)
    elsewhere = there.with_name("elsewhere")
    there.rename(elsewhere)

    waiting = painted.finish(run)

    assert waiting.state == RunState.WORKING
    assert painted.name.bucket in waiting.waiting_for
    assert waiting.failed == 0
    assert_nothing_is_lost(painted, first)
    elsewhere.rename(there)
    finished = painted.finish(run)
    assert (finished.state, finished.waiting_for) == (RunState.FINISHED, "")
    assert finished.skipped == {}
    assert places(finished) == places(first)


def test_run_waits_for_a_disk_unmounted_during_reading(painted):
    paint_all(painted)
    first = painted.run()
    run = painted.start(full=True, batch_size=2)
    painted.advance(run)
    disk = painted.folder.rename(painted.folder.with_name("disk"))
    painted.folder.mkdir()

    waiting = painted.finish(run)

    assert (waiting.state, waiting.failed) == (RunState.WORKING, 0)
    assert painted.name.path in waiting.waiting_for
    assert_nothing_is_lost(painted, first)
    painted.folder.rmdir()
    disk.rename(painted.folder)
    assert places(painted.finish(run)) == places(first)


def test_run_waits_for_a_bucket_missing_before_the_listing(painted):
    paint_all(painted)
    first = painted.run()
    run = painted.start()
    bucket = painted.folder.parent
    elsewhere = bucket.rename(bucket.with_name("elsewhere"))

    waiting = painted.finish(run)

    assert waiting.is_active
    assert "There is no bucket" in waiting.waiting_for
    elsewhere.rename(bucket)
    expire_leases(run)
    finished = painted.finish(run)
    assert finished.state == RunState.FINISHED
    assert places(finished) == places(first)


def test_run_waits_for_a_folder_moved_before_the_listing(painted):
    paint_all(painted)
    first = painted.run()
    run = painted.start()
    elsewhere = painted.folder.rename(painted.folder.with_name("elsewhere"))

    waiting = painted.finish(run)

    assert waiting.is_active
    assert painted.name.path in waiting.waiting_for
    assert_nothing_is_lost(painted, first)
    elsewhere.rename(painted.folder)
    expire_leases(run)
    assert places(painted.finish(run)) == places(first)


def test_folder_that_disappears_during_the_listing_is_listed_again(painted):
    paint_all(painted)
    first = painted.run()
    run = painted.start()
    elsewhere = painted.folder.with_name("elsewhere")

    class Moving:
        """The real bucket, whose folder is moved after two objects were listed."""

        def __getattr__(self, name):
            return getattr(painted.bucket, name)

        def iter_objects(self, prefix):
            listed = painted.bucket.iter_objects(prefix)
            yield next(listed)
            yield next(listed)
            painted.folder.rename(elsewhere)

    waiting = painted.finish(run, bucket=Moving())

    assert waiting.is_active
    assert waiting.waiting_for
    assert_nothing_is_lost(painted, first)
    elsewhere.rename(painted.folder)
    expire_leases(run)
    assert places(painted.finish(run)) == places(first)


def test_run_waits_for_a_folder_without_permission(painted, monkeypatch):
    paint_all(painted)
    first = painted.run()
    run = painted.start(full=True)
    painted.advance(run)
    really_open = os.open

    def refuse(path, *arguments, **named):
        if path == painted.name.sub:
            raise PermissionError(errno.EACCES, "x")  # as chmod does; tests may run as root
        return really_open(path, *arguments, **named)

    with monkeypatch.context() as refused:
        refused.setattr(os, "open", refuse)
        waiting = painted.finish(run)

    assert (waiting.state, waiting.failed) == (RunState.WORKING, 0)
    assert "change its permissions" in waiting.waiting_for
    assert_nothing_is_lost(painted, first)
    assert places(painted.finish(run)) == places(first)


def test_bucket_that_disappears_between_two_pages_is_listed_again(painted_in_s3):
    paint_all(painted_in_s3)
    first = painted_in_s3.run()
    painted_in_s3.service.page_size = 2
    run = painted_in_s3.start()
    painted_in_s3.service.hide_bucket(painted_in_s3.name.bucket, after_requests=1)

    waiting = painted_in_s3.finish(run)

    assert waiting.is_active
    assert "There is no bucket" in waiting.waiting_for
    assert_nothing_is_lost(painted_in_s3, first)
    painted_in_s3.service.lift()
    expire_leases(run)
    finished = painted_in_s3.finish(run)
    assert (finished.state, finished.unchanged, finished.gone) == (RunState.FINISHED, PHOTOS, 0)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NoSuchBucket", "There is no bucket"),
        ("AccessDenied", "WASABI_ACCESS_KEY"),
        ("InvalidAccessKeyId", "WASABI_ACCESS_KEY"),
        ("ExpiredToken", "WASABI_ACCESS_KEY"),
        ("RequestTimeTooSkewed", "clock"),
        ("AuthorizationHeaderMalformed", "WASABI_REGION"),
    ],
)
def test_run_waits_for_an_s3_service_that_refuses_all_requests(painted_in_s3, code, said):
    paint_all(painted_in_s3)
    first = painted_in_s3.run()
    run = painted_in_s3.start(full=True, batch_size=2)
    painted_in_s3.advance(run)
    painted_in_s3.service.fail(code, after_requests=3)

    waiting = painted_in_s3.finish(run)

    assert waiting.state == RunState.WORKING
    assert said in waiting.waiting_for
    assert waiting.failed == 0
    assert all(batch.attempts <= 1 for batch in Batch.objects(run=run.id))
    assert_nothing_is_lost(painted_in_s3, first)
    painted_in_s3.service.lift()
    finished = painted_in_s3.finish(run)
    assert (finished.state, finished.waiting_for) == (RunState.FINISHED, "")
    assert places(finished) == places(first)


def test_run_waits_for_a_service_that_throttles_requests(painted_in_s3):
    painted_in_s3.paint("a.png", 1)  # only one, because each request is retried for some seconds
    first = painted_in_s3.run()
    run = painted_in_s3.start(full=True)
    painted_in_s3.advance(run)
    painted_in_s3.service.fail("SlowDown", "GetObject")

    waiting = painted_in_s3.finish(run)

    assert waiting.state == RunState.WORKING
    assert "fewer requests" in waiting.waiting_for
    painted_in_s3.service.lift()
    assert places(painted_in_s3.finish(run)) == places(first)

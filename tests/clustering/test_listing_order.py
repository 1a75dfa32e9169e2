"""New, known and removed keys do not depend on the order of the listing."""

import unicodedata
import uuid
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from clustering.documents import Batch, BatchState, Image, RunState, collection_sort_key
from clustering.pipeline.list_bucket import REPORT_EVERY, list_bucket
from clustering.run_lifecycle import request_cancel
from clustering.selectors import get_run, iter_collection_images, iter_members
from storage.buckets import BucketObject, open_bucket, sorted_by_key
from storage.mongo import bulk_upsert
from tests.clustering.painted import painted_photo
from tests.clustering.test_faults import expire_leases
from tests.s3_faults import ORDERS

pytestmark = pytest.mark.services

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# Names that sort differently in UTF-8, in UTF-16, case-insensitively and by normal form.
NAMES = [
    *("B.png", "a.png", "a/1.png", "a/b/c/2.png", "a-b/3.png", "A/4.png", "b/5.png", "_6.png"),
    *("\uff21.png", "\ue000.png", "\U0001f600.png", "z/\U0001f468.png", "z/\ufb01.png"),
    *(unicodedata.normalize(form, "z/é.png") for form in ("NFC", "NFD")),
    *("zz.PNG", "zZ.png", "~.png", "10.png", "9.png"),
]


class Shop:
    """A painted collection in an S3 bucket whose order of listing can be switched."""

    def __init__(self, painted, service):
        self.painted, self.service = painted, service
        painted.bucket = open_bucket(painted.name.bucket)
        service.make(painted.name.bucket)

    def put(self, name, person, *, shade=0):
        data = painted_photo(person, shade=shade)
        self.service.put(self.painted.name.bucket, self.painted.key(name), data)

    def remove(self, name):
        self.service.remove(self.painted.name.bucket, self.painted.key(name))

    def names(self, run):
        prefix = f"{self.painted.name.sub}/"
        return {member.key.removeprefix(prefix) for member in iter_members(run)}


@pytest.fixture
def shop(painted, faulty_s3):
    shop = Shop(painted, faulty_s3)
    for number, name in enumerate(NAMES):
        shop.put(name, 1 + number % 2, shade=number)
    return shop


@pytest.mark.parametrize("order", ORDERS)
def test_second_run_finds_new_changed_and_removed_keys_in_any_order(shop, order):
    shop.service.order, shop.service.page_size = order, 3
    first = shop.painted.run()
    second = shop.painted.run()
    shop.put("a/b/new.png", 1, shade=90)
    shop.put("z/\U0001f468.png", 1, shade=91)
    shop.remove("A/4.png")
    shop.remove("\uff21.png")
    shop.service.order = "hashed"  # as after a move to another service

    third = shop.painted.run()

    assert (first.todo, first.gone, first.stats["total_faces"]) == (len(NAMES), 0, len(NAMES))
    assert (second.todo, second.gone, second.unchanged) == (0, 0, len(NAMES))
    assert second.stats["total_faces"] == len(NAMES)
    assert (third.todo, third.gone, third.unchanged) == (2, 2, len(NAMES) - 3)
    assert shop.names(third) == {*NAMES, "a/b/new.png"} - {"A/4.png", "\uff21.png"}


@pytest.mark.parametrize("order", ["case_insensitive", "reversed"])
def test_max_images_selects_the_first_keys_in_any_order(shop, order):
    shop.service.order = order
    first = sorted(NAMES, key=str.encode)[:7]
    shop.remove(first[2])
    left = [name for name in sorted(NAMES, key=str.encode) if name != first[2]]

    run = shop.painted.run(max_images=7)
    assert (run.listed, run.todo, shop.names(run)) == (7, 7, set(left[:7]))
    shop.put(first[2], 1)
    shop.remove(first[3])
    run = shop.painted.run(max_images=7)

    assert (run.todo, run.gone) == (1, 1)
    assert shop.names(run) == {*first} - {first[3]} | {left[6]}
    assert shop.painted.run().stats["total_images"] == len(NAMES) - 1


def objects(count):
    """Yield a listing of files that are not photos."""
    for number in range(count):
        yield BucketObject(key=f"x/{number}.txt", size=1, tag="t", modified=NOW)


class Slow:
    """The real bucket with a callback during the listing."""

    def __init__(self, bucket, then):
        self._bucket, self._then = bucket, then

    def iter_objects(self, prefix=""):
        yield from self._bucket.iter_objects(prefix)
        yield from objects(REPORT_EVERY)
        self._then()
        yield from objects(REPORT_EVERY)
        raise AssertionError("Listing went on.")


def test_run_reports_progress_and_is_cancelled_during_the_listing(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    run, seen = painted.start(), []

    def cancel():
        seen.append(get_run(run.id).listed)
        request_cancel(get_run(run.id))

    painted.advance(run, bucket=Slow(painted.bucket, cancel))

    assert get_run(run.id).state == RunState.CANCELLED
    assert seen == [3]


def test_run_waits_if_the_disk_is_full_during_a_long_listing(
    painted, settings, tmp_path, monkeypatch
):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    monkeypatch.setattr("clustering.pipeline.list_bucket.sorted_by_key", in_chunks(1))
    settings.DATA = tmp_path / "a file"
    settings.DATA.touch()
    run = painted.start()

    painted.advance(run)
    waiting = get_run(run.id)
    settings.DATA = tmp_path / "a folder"
    expire_leases(run)
    finished = painted.finish(run)

    assert waiting.state == RunState.LISTING
    assert "where a long listing is sorted" in waiting.waiting_for
    assert (finished.state, finished.waiting_for) == (RunState.FINISHED, "")
    assert finished.stats["total_faces"] == 3
    assert list(settings.DATA.iterdir()) == []


LETTERS = ["a", "B", "-", "/", " ", "é", "e\u0301", "\uff21", "\ue000", "\U0001f600", "\U0010fffd"]
keys = st.lists(st.sampled_from(LETTERS), min_size=1, max_size=3).map("".join)


@given(
    stored=st.sets(keys, max_size=25),
    listed=st.lists(keys, max_size=25),
    changed=st.sets(keys, max_size=5),
    limit=st.integers(0, 8),
    batch_size=st.integers(1, 4),
    chunk=st.integers(1, 30),
)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_comparison_of_a_listing_equals_set_operations(
    mongodb, monkeypatch, tmp_path, settings, stored, listed, changed, limit, batch_size, chunk
):
    settings.DATA = tmp_path
    monkeypatch.setattr("clustering.pipeline.list_bucket.sorted_by_key", in_chunks(chunk))
    path = f"b/{uuid.uuid4().hex[:8]}"
    stored, listed = ({f"s/{one}x.jpg" for one in stored}, [f"s/{one}x.jpg" for one in listed])
    changed = {f"s/{one}x.jpg" for one in changed}
    bulk_upsert(Image, [image(path, key) for key in stored])
    run = SimpleNamespace(
        id=token_hex(12),
        collection=path,
        batch_size=batch_size,
        model="m",
        max_images=limit,
        full=False,
    )

    found = list_bucket(
        run,
        objects=(BucketObject(k, 1, "2" if k in changed else "1", NOW) for k in listed),
        report=lambda _: None,
    )

    first = sorted(set(listed), key=str.encode)[: limit or None]
    reach = first[-1].encode() if limit and len(first) == limit else None
    todo = [key for key in first if key not in stored or key in changed]
    gone = {one for one in stored - set(first) if reach is None or one.encode() < reach}
    batches = {
        state: [one.keys for one in Batch.objects(run=run.id).order_by("id") if one.state == state]
        for state in (BatchState.PENDING, BatchState.GONE)
    }
    assert [key for some in batches[BatchState.PENDING] for key in some] == todo
    assert all(len(some) == batch_size for some in batches[BatchState.PENDING][:-1])
    assert {key for some in batches[BatchState.GONE] for key in some} == gone
    assert (found.listed, found.todo, found.gone) == (len(first), len(todo), len(gone))
    assert [one.key for one in iter_collection_images(path)] == sorted(stored, key=str.encode)


def in_chunks(size):
    return partial(sorted_by_key, chunk=size)


def image(path, key):
    return Image(
        id=Image.id_for(path, key),
        collection=path,
        key=key,
        sort_key=collection_sort_key(path, key),
        tag="1",
        model="m",
        looked_at=NOW,
    )

"""The S3 stand-in: its answers to boto3, and the effect of each fault."""

import time

import pytest

from storage.buckets import list_bucket_names, open_bucket
from storage.errors import (
    CredentialsRefused,
    NoSuchBucket,
    ObjectUnreadable,
    StoreUnavailable,
)
from tests.s3_faults import ORDERS

pytestmark = pytest.mark.services

KEYS = [
    "p/B.jpg",
    "p/a.jpg",
    "p/b/x.jpg",
    "p/é&1.jpg",
    "p/\U0001f600.jpg",
    "p/\uff5e.jpg",
    "q/z+z.jpg",
]


@pytest.fixture
def photos(faulty_s3):
    for key in KEYS:
        faulty_s3.put("photos", key, key.encode())
    return open_bucket("photos")


def listed(bucket, *arguments, **named):
    return [item.key for item in bucket.iter_objects(*arguments, **named)]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_every_order_lists_all_keys_in_pages(faulty_s3, photos, size):
    faulty_s3.page_size = size
    seen = set()
    for order in ORDERS:
        faulty_s3.order = order
        pages = faulty_s3.listed(faulty_s3.buckets["photos"], prefix="", delimiter="", after="")
        seen.add(tuple(key for key, _, _ in pages))

        assert sorted(listed(photos)) == sorted(KEYS)
        assert listed(photos, "p/b") == ["p/b/x.jpg"]
        assert photos.prefixes() == ["p/", "q/"]
    assert len(seen) == len(ORDERS)  # each is another order of these keys


def test_buckets_are_listed_and_unusual_keys_are_read(photos):
    assert list_bucket_names() == ["photos"]
    assert photos.read("q/z+z.jpg", max_bytes=100) == b"q/z+z.jpg"


def test_key_is_refused_until_its_fault_is_lifted(faulty_s3, photos):
    fault = faulty_s3.fail("AccessDenied", "GetObject", keys=["p/a.jpg"])

    with pytest.raises(ObjectUnreadable):
        photos.read("p/a.jpg", max_bytes=100)
    assert photos.read("p/B.jpg", max_bytes=100) == b"p/B.jpg"
    faulty_s3.lift(fault)
    assert photos.read("p/a.jpg", max_bytes=100) == b"p/a.jpg"
    assert faulty_s3.asked("GetObject") == ["p/a.jpg", "p/B.jpg", "p/a.jpg"]


def test_all_requests_are_refused(faulty_s3, photos):
    faulty_s3.fail("InvalidAccessKeyId")

    with pytest.raises(CredentialsRefused):
        photos.check()
    with pytest.raises(CredentialsRefused):
        photos.read("p/a.jpg", max_bytes=100)
    with pytest.raises(CredentialsRefused):
        list_bucket_names()


def test_a_bucket_disappears_after_some_requests_and_returns(faulty_s3, photos):
    faulty_s3.hide_bucket("photos", after_requests=2, times=1)

    photos.read("p/a.jpg", max_bytes=100)
    photos.read("p/a.jpg", max_bytes=100)
    with pytest.raises(NoSuchBucket):
        photos.read("p/a.jpg", max_bytes=100)
    assert photos.read("p/a.jpg", max_bytes=100) == b"p/a.jpg"


def test_a_bucket_disappears_for_a_time(faulty_s3, photos):
    def is_there():
        try:
            return photos.read("p/a.jpg", max_bytes=100) == b"p/a.jpg"
        except NoSuchBucket:
            return False

    def wait_until(state):
        give_up = time.monotonic() + 10
        while is_there() != state:
            assert time.monotonic() < give_up
            time.sleep(0.01)

    fault = faulty_s3.hide_bucket("photos", after_seconds=0.1)
    wait_until(False)
    faulty_s3.lift(fault)
    assert is_there()
    faulty_s3.hide_bucket("photos", for_seconds=0.1)
    wait_until(True)


def test_a_body_is_truncated(faulty_s3, photos):
    faulty_s3.truncated["p/a.jpg"] = 3

    with pytest.raises(StoreUnavailable):
        photos.read("p/a.jpg", max_bytes=100)
    faulty_s3.lift()
    assert photos.read("p/a.jpg", max_bytes=100) == b"p/a.jpg"


def test_answers_are_delayed(faulty_s3, photos):
    faulty_s3.delay_s = 0.2
    began = time.monotonic()

    photos.check()

    assert time.monotonic() - began >= 0.2

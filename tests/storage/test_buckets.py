"""One contract for folders and S3 over HTTP."""

import uuid
from datetime import timedelta

import pytest

from storage.buckets import list_bucket_names, open_bucket, sorted_by_key
from storage.errors import (
    InvalidName,
    NoSuchBucket,
    ObjectTooLarge,
    ObjectVanished,
)

pytestmark = pytest.mark.services

# In UTF-8 byte order: '-' and ' ' before '/', capitals before small letters, then accents.
KEYS = [
    "B.jpg",
    "a b/with space.jpg",
    "a-b/1.jpg",
    "a-b.jpg",
    "a.jpg",
    "a/b/c/d.jpg",
    "a/b.jpg",
    "a/b0.jpg",
    "a/z.JPG",
    "a0.jpg",
    "ab/+%20&?#=.jpg",
    "ab/'quoted\"\\x.jpg",
    "ü/é.jpg",
    "日本/写真.jpg",
    "😀.jpg",
]
KEYS.sort(key=str.encode)


@pytest.fixture(params=["folder", "s3"])
def there(request):
    """Backend of buckets: creates buckets and writes objects."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def name(there):
    bucket = f"b-{uuid.uuid4().hex[:8]}"
    there.make(bucket)
    return bucket


@pytest.fixture
def full(there, name):
    """A bucket with every odd key, and things that are not part of it."""
    for key in reversed(KEYS):
        there.put(name, key, key.encode())
    for hidden in (
        ".DS_Store",
        "a/.hidden.jpg",
        "a/.thumbs/1.jpg",
        "a/..x/2.jpg",
        ".trash/x/1.jpg",
    ):
        there.put(name, hidden)
    return open_bucket(name)


def test_what_lies_under_a_prefix_is_known_without_a_listing(there, name):
    bucket = open_bucket(name)
    assert bucket.is_empty()
    there.put(name, "a/b/c.jpg")

    assert [bucket.is_empty(prefix) for prefix in ("", "a/", "a/b/", "a/b/c", "a")] == [False] * 5
    assert [bucket.is_empty(prefix) for prefix in ("b/", "a/c/", "a/b/d", "a/b/c/")] == [True] * 4
    there.remove(name, "a/b/c.jpg")
    assert bucket.is_empty("a/b/")
    with pytest.raises(NoSuchBucket):
        open_bucket("no-such-bucket").is_empty("a/")


def keys(bucket, *arguments, **named):
    return [item.key for item in bucket.iter_objects(*arguments, **named)]


def test_everything_is_listed_and_sorted_in_byte_order(full):
    listed = list(sorted_by_key(full.iter_objects()))

    assert [item.key for item in listed] == KEYS
    assert [item.size for item in listed] == [len(key.encode()) for key in KEYS]
    assert all(item.tag and item.modified.utcoffset() == timedelta(0) for item in listed)


@pytest.mark.parametrize("prefix", ["a/", "a", "a-b/", "a/b", "a/b/c/", "ü/", "nothing/", "a b/w"])
def test_a_prefix_lists_what_begins_with_it(full, prefix):
    assert keys(full, prefix) == [key for key in KEYS if key.startswith(prefix)]


@pytest.mark.parametrize("key", KEYS)
def test_what_is_listed_can_be_read(full, key):
    assert full.read(key, max_bytes=1000) == key.encode()


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["a b/", "a-b/", "a/", "ab/", "ü/", "日本/"]),
        ("a/", ["a/b/"]),
        ("a-", ["a-b/"]),
        ("no/", []),
    ],
)
def test_prefixes_are_one_level_below(full, prefix, expected):
    assert full.prefixes(prefix) == expected


LEFT_BY_SYSTEMS = [
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg",
    "a/@EADIR/1.jpg",
    "a/#recycle/1.jpg",
    "a/b/#snapshot/GMT+01/a/1.jpg",
    "@Recycle/deep/down/1.jpg",
    "@Recently-Snapshot/1.jpg",
    "a/.@__thumb/default1.jpg",
    "$RECYCLE.BIN/S-1-5/$R1.jpg",
    "a/$Recycle.Bin/1.jpg",
    "System Volume Information/1.jpg",
    "__MACOSX/a/1.jpg",
    "a/.thumbnails/1.jpg",
    "lost+found/#12.jpg",
    "a/._1.jpg",
    "a/Thumbs.db",
    "a/.Trash-1000/files/1.jpg",
]
LIKE_THEM = ["LOST+FOUND/1.jpg", "a/#recycled.jpg", "a/eaDir/1.jpg", "recycle/1.jpg", "x._1.jpg"]


@pytest.fixture
def beside(there, name):
    """A bucket with what systems leave beside photos, and photos whose names are similar."""
    for key in (*LEFT_BY_SYSTEMS, *LIKE_THEM):
        there.put(name, key)
    return open_bucket(name)


def test_what_systems_leave_beside_photos_is_no_part_of_a_bucket(beside):
    assert keys(beside) == sorted(LIKE_THEM)
    assert beside.prefixes() == ["LOST+FOUND/", "a/", "recycle/"]
    assert beside.prefixes("a/") == ["a/b/", "a/eaDir/"]
    for ignored in ("@eaDir/", "a/#recycle/", "@Recycle/deep/", "lost+found/#"):
        assert keys(beside, ignored) == beside.prefixes(ignored) == []


def test_the_settings_add_names_that_are_passed_over(beside, there, name, settings):
    there.put(name, "caché/1.jpg")
    there.put(name, "a/Index.lrdata/1.jpg")
    settings.IGNORED_PATHS = ("*.lrdata", "cache\u0301", "recycle", "x.?1.[jp]*")

    assert keys(beside) == ["LOST+FOUND/1.jpg", "a/#recycled.jpg", "a/eaDir/1.jpg"]
    assert beside.prefixes() == ["LOST+FOUND/", "a/"]


def test_a_tag_changes_with_the_content(there, name):
    there.put(name, "a.jpg", b"one")
    before = next(open_bucket(name).iter_objects()).tag
    there.put(name, "a.jpg", b"three")

    assert next(open_bucket(name).iter_objects()).tag != before


def test_an_object_above_the_limit_is_refused_and_one_at_it_is_read(there, name):
    there.put(name, "a.jpg", b"x" * 5000)
    bucket = open_bucket(name)

    assert len(bucket.read("a.jpg", max_bytes=5000)) == 5000
    with pytest.raises(ObjectTooLarge, match="5,000 bytes; the limit is 4,999"):
        bucket.read("a.jpg", max_bytes=4999)


def test_an_empty_object_is_read(there, name):
    there.put(name, "a.jpg", b"")

    assert open_bucket(name).read("a.jpg", max_bytes=1) == b""


def test_an_object_that_vanished_is_named(there, name):
    there.put(name, "a.jpg")
    there.remove(name, "a.jpg")

    with pytest.raises(ObjectVanished, match=r"a\.jpg"):
        open_bucket(name).read("a.jpg", max_bytes=1)


def test_a_bucket_that_is_not_there_is_named(there):
    bucket = open_bucket("no-such-bucket")

    for use in (bucket.check, lambda: keys(bucket), lambda: bucket.read("a", max_bytes=1)):
        with pytest.raises(NoSuchBucket, match="no-such-bucket"):
            use()


def test_an_empty_bucket_lists_nothing(there, name):
    bucket = open_bucket(name)
    bucket.check()

    assert keys(bucket) == keys(bucket, "a/") == bucket.prefixes() == []


def test_bucket_names_are_listed(there, name):
    assert name in list_bucket_names()
    assert list_bucket_names() == sorted(list_bucket_names())


@pytest.mark.parametrize("odd", ["", "..", "a/b", "/etc", ".hidden", "a\0b", "a b", "-a"])
def test_an_odd_bucket_name_is_refused(there, odd):
    with pytest.raises(InvalidName):
        open_bucket(odd)

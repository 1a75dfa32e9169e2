"""One contract for folders and S3 over HTTP, and what each refuses."""

import os
import socket
import threading
import uuid
from datetime import timedelta

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from storage.buckets import LocalBucket, bucket_names, open_bucket
from storage.errors import (
    CredentialsRefused,
    InvalidName,
    NoSuchBucket,
    ObjectTooLarge,
    ObjectUnreadable,
    ObjectVanished,
    StoreUnavailable,
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


class Folder:
    """Puts objects where a local bucket is."""

    def __init__(self, settings, root):
        self.root = root
        settings.WASABI_ACCESS_KEY = settings.WASABI_SECRET_KEY = ""
        settings.BUCKETS_ROOT = root

    def make(self, bucket):
        (self.root / bucket).mkdir(parents=True)

    def put(self, bucket, key, content=b"x"):
        path = self.root / bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def remove(self, bucket, key):
        (self.root / bucket / key).unlink()


class S3:
    """Puts objects where an S3 bucket is."""

    def __init__(self, server):
        self.client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name=server.region,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
        )

    def make(self, bucket):
        self.client.create_bucket(Bucket=bucket)

    def put(self, bucket, key, content=b"x"):
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def remove(self, bucket, key):
        self.client.delete_object(Bucket=bucket, Key=key)


@pytest.fixture
def folder(settings, tmp_path):
    return Folder(settings, tmp_path / "buckets")


@pytest.fixture
def s3(s3_settings):
    return S3(s3_settings)


@pytest.fixture(params=["folder", "s3"])
def there(request):
    """Where buckets are: something that makes buckets and puts objects."""
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


def keys(bucket, *arguments, **named):
    return [item.key for item in bucket.iter_objects(*arguments, **named)]


def test_everything_is_listed_in_byte_order(full):
    listed = list(full.iter_objects())

    assert [item.key for item in listed] == KEYS
    assert [item.size for item in listed] == [len(key.encode()) for key in KEYS]
    assert all(item.tag and item.modified.utcoffset() == timedelta(0) for item in listed)


@pytest.mark.parametrize("prefix", ["a/", "a", "a-b/", "a/b", "a/b/c/", "ü/", "nothing/", "a b/w"])
def test_a_prefix_lists_what_begins_with_it(full, prefix):
    assert keys(full, prefix) == [key for key in KEYS if key.startswith(prefix)]


@pytest.mark.parametrize("start", [*KEYS, "a", "a/", "a/b", "a/b/", "a/b/c/zz", "a\U0010ffff", "~"])
def test_listing_goes_on_after_any_key(full, start):
    expected = [key for key in KEYS if key.encode() > start.encode()]

    assert keys(full, start_after=start) == expected
    assert keys(full, "a/", start_after=start) == [k for k in expected if k.startswith("a/")]


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
    assert name in bucket_names()
    assert bucket_names() == sorted(bucket_names())


@pytest.mark.parametrize("odd", ["", "..", "a/b", "/etc", ".hidden", "a\0b", "a b", "-a"])
def test_an_odd_bucket_name_is_refused(there, odd):
    with pytest.raises(InvalidName):
        open_bucket(odd)


# Folders only


CLIMBING = ["../out/secret.jpg", "a/../../out/secret.jpg", "..", "a/..", "./a.jpg", "a/./b.jpg"]


@pytest.mark.parametrize("key", [*CLIMBING, "/etc/hostname", "a//b.jpg", "..\\out\\secret.jpg"])
def test_no_key_leads_out_of_a_folder(folder, key):
    folder.put("b", "a/b.jpg")
    folder.put("out", "secret.jpg", b"secret")
    bucket = open_bucket("b")

    with pytest.raises(ObjectVanished):
        bucket.read(key, max_bytes=100)
    assert keys(bucket, key) == []
    assert bucket.prefixes(f"{key}/") == []


@pytest.mark.parametrize("key", ["", "a\0b", "x" * 300, "/".join("a" * 3000), "a", "a/b.jpg/c"])
def test_keys_that_no_file_can_have_are_gone(folder, key):
    folder.put("b", "a/b.jpg")

    with pytest.raises((ObjectVanished, ObjectUnreadable)):
        open_bucket("b").read(key, max_bytes=100)


def test_links_are_not_followed(folder, tmp_path):
    folder.put("out", "secret.jpg", b"secret")
    folder.put("b", "a.jpg")
    out = folder.root / "out"
    (folder.root / "b" / "file.jpg").symlink_to(out / "secret.jpg")
    (folder.root / "b" / "folder").symlink_to(out)
    (folder.root / "linked").symlink_to(out)
    bucket = open_bucket("b")

    assert keys(bucket) == ["a.jpg"]
    assert keys(bucket, "folder/") == []
    assert bucket.prefixes() == []
    assert bucket_names() == ["b", "out"]
    for key in ("file.jpg", "folder/secret.jpg"):
        with pytest.raises(ObjectVanished):
            bucket.read(key, max_bytes=100)
    with pytest.raises(NoSuchBucket, match="no link"):
        open_bucket("linked").check()


def test_hidden_files_cannot_be_read_by_name(folder):
    folder.put("b", ".env", b"secret")

    with pytest.raises(ObjectVanished):
        open_bucket("b").read(".env", max_bytes=100)


def test_special_files_are_passed_over_and_do_not_block(folder):
    folder.put("b", "a.jpg")
    os.mkfifo(folder.root / "b" / "pipe.jpg")

    assert keys(open_bucket("b")) == ["a.jpg"]
    with pytest.raises(ObjectUnreadable):
        open_bucket("b").read("pipe.jpg", max_bytes=100)


def test_a_name_that_is_no_utf8_is_reported(folder):
    folder.put("b", "a.jpg")
    (folder.root / "b" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    bucket = open_bucket("b")

    assert keys(bucket) == ["a.jpg", "caf\\xe9.jpg"]
    with pytest.raises(ObjectUnreadable, match="not valid UTF-8"):
        bucket.read("caf\\xe9.jpg", max_bytes=100)


needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="Root may read everything.")


@needs_permissions
def test_a_file_without_permission_is_named(folder):
    folder.put("b", "a.jpg")
    (folder.root / "b" / "a.jpg").chmod(0)

    with pytest.raises(ObjectUnreadable, match="Permission denied"):
        open_bucket("b").read("a.jpg", max_bytes=100)


@pytest.mark.parametrize(
    ("number", "outcome"), [(13, ObjectUnreadable), (5, ObjectUnreadable), (116, StoreUnavailable)]
)
def test_a_file_that_cannot_be_opened_is_named(folder, monkeypatch, number, outcome):
    folder.put("b", "a.jpg")
    really_open = os.open

    def refuse(path, *arguments, **named):
        if path == "a.jpg":
            raise OSError(number, "x")
        return really_open(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(outcome):
        open_bucket("b").read("a.jpg", max_bytes=100)


def test_a_folder_that_may_not_be_read_stops_the_listing(folder, monkeypatch):
    folder.put("b", "closed/a.jpg")
    really_open = os.open

    def refuse(path, *arguments, **named):
        if path == "closed":
            raise PermissionError(13, "x")
        return really_open(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(CredentialsRefused, match="b/closed"):
        keys(open_bucket("b"))


def test_a_hundred_folders_deep_is_listed_and_read(folder):
    deep = "/".join(["d"] * 100) + "/a.jpg"
    folder.put("b", deep)

    assert keys(open_bucket("b")) == [deep]
    assert open_bucket("b").read(deep, max_bytes=1) == b"x"


def test_a_file_that_grows_while_it_is_read_is_refused(folder, monkeypatch):
    folder.put("b", "a.jpg", b"x" * 10)
    really_stat = os.fstat

    def grow(handle):
        facts = really_stat(handle)
        folder.put("b", "a.jpg", b"x" * 1000)
        return facts

    monkeypatch.setattr(os, "fstat", grow)

    with pytest.raises(ObjectTooLarge):
        LocalBucket(folder.root, "b").read("a.jpg", max_bytes=100)


# S3 only


@pytest.fixture(scope="module")
def five_thousand(s3_server):
    place = S3(s3_server)
    place.make("five-thousand")
    expected = [f"sub/{index // 100:02d} x/é {index:04d}.jpg" for index in range(4995)]
    expected += ["../up.jpg", "/leading/slash.jpg", "a/../b.jpg", "a//b.jpg", "sub-x.jpg"]
    # Straight into the service, which runs in this process: over HTTP it takes half a minute.
    inside = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for key in (*expected, "sub/folder/"):
        inside.put_object("five-thousand", key, b"")
    return sorted(expected, key=str.encode)


def test_five_thousand_keys_are_listed_and_gone_on_with(s3, five_thousand):
    bucket = open_bucket("five-thousand")

    assert keys(bucket) == five_thousand
    assert keys(bucket, start_after=five_thousand[2500]) == five_thousand[2501:]
    assert len(keys(bucket, "sub/")) == 4995


@pytest.mark.parametrize("key", ["../up.jpg", "/leading/slash.jpg", "a/../b.jpg", "a//b.jpg"])
def test_odd_keys_of_s3_are_read_or_counted(s3, five_thousand, key):
    try:
        assert open_bucket("five-thousand").read(key, max_bytes=10) == b""
    except (ObjectVanished, ObjectUnreadable) as refusal:
        assert key in str(refusal)  # noqa: PT017  # either will do


def test_s3_errors_have_one_sentence_each(settings, s3):
    settings.WASABI_ENDPOINT = "http://127.0.0.1:1"
    with pytest.raises(StoreUnavailable, match="WASABI_ENDPOINT"):
        open_bucket("b").check()
    with pytest.raises(StoreUnavailable):
        bucket_names()

    settings.WASABI_ENDPOINT = "no address"
    with pytest.raises(StoreUnavailable, match="is no address"):
        open_bucket("b")


def answering(response):
    """Serve one fixed HTTP answer to whoever asks; return the endpoint."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(response)

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def refusing(status, code):
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


@pytest.mark.parametrize(
    ("status", "code", "listing", "reading"),
    [
        (403, "InvalidAccessKeyId", CredentialsRefused, CredentialsRefused),
        (403, "SignatureDoesNotMatch", CredentialsRefused, CredentialsRefused),
        (403, "AccessDenied", CredentialsRefused, ObjectUnreadable),
        (403, "InvalidObjectState", StoreUnavailable, ObjectUnreadable),
        (400, "IllegalLocationConstraintException", StoreUnavailable, StoreUnavailable),
        (404, "NoSuchBucket", NoSuchBucket, NoSuchBucket),
        (404, "NoSuchKey", NoSuchBucket, ObjectVanished),
        (501, "NotImplemented", StoreUnavailable, StoreUnavailable),
    ],
)
def test_every_answer_of_s3_has_its_own_error(settings, s3, status, code, listing, reading):
    listener, settings.WASABI_ENDPOINT = answering(refusing(status, code))
    bucket = open_bucket("some-bucket")

    with listener:
        with pytest.raises(listing) as refusal:
            keys(bucket)
        assert str(refusal.value).endswith(".")
        with pytest.raises(reading) as refusal:
            bucket.read("a.jpg", max_bytes=10)
        assert str(refusal.value).endswith(".")


def test_a_body_that_breaks_off_is_never_taken_for_the_whole(settings, s3):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n"
    listener, settings.WASABI_ENDPOINT = answering(head + b"x" * 500)

    with listener, pytest.raises(StoreUnavailable):
        open_bucket("some-bucket").read("a.jpg", max_bytes=2000)


def test_a_body_above_the_limit_is_not_read(settings, s3):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n"
    listener, settings.WASABI_ENDPOINT = answering(head)

    with listener, pytest.raises(ObjectTooLarge):
        open_bucket("some-bucket").read("a.jpg", max_bytes=2000)

"""What a folder refuses: nothing outside it is listed or read."""

import errno
import os

import pytest

from storage.buckets import LocalBucket, list_bucket_names, open_bucket
from storage.errors import (
    CredentialsRefused,
    NoSuchBucket,
    ObjectTooLarge,
    ObjectUnreadable,
    ObjectVanished,
    StoreUnavailable,
)


def keys(bucket, *arguments, **named):
    return [item.key for item in bucket.iter_objects(*arguments, **named)]


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
    assert list_bucket_names() == ["b", "out"]
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
    ("number", "outcome"),
    [
        (errno.EACCES, ObjectUnreadable),
        (errno.EIO, ObjectUnreadable),
        (errno.ESTALE, StoreUnavailable),
        (errno.EHOSTUNREACH, StoreUnavailable),
        (errno.EMFILE, StoreUnavailable),
        (errno.ENOMEM, StoreUnavailable),
    ],
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


def test_a_folder_that_disappears_while_it_is_listed_stops_the_listing(folder):
    folder.put("b", "a.jpg")
    folder.put("b", "later/b.jpg")
    listed = open_bucket("b").iter_objects()
    assert next(listed).key == "a.jpg"
    (folder.root / "b" / "later").rename(folder.root / "moved")

    with pytest.raises(StoreUnavailable, match="b/later"):
        list(listed)
    assert keys(open_bucket("b")) == ["a.jpg"]


def test_a_folder_whose_name_cannot_be_read_stops_nothing(folder):
    folder.put("b", "a.jpg")
    os.mkdir(os.fsencode(folder.root / "b") + b"/caf\xe9")  # noqa: PTH102  # Path takes no bytes

    assert keys(open_bucket("b")) == ["a.jpg"]


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

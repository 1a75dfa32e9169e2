"""A listing in any order is sorted by key in bounded memory."""

import errno
import gc
import os
import signal
import subprocess
import sys
import tracemalloc
import unicodedata
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from storage.buckets import BucketObject, sorted_by_key
from storage.errors import DiskFull, StoreUnavailable
from tests.stores import CHECKOUT

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
# Names that sort differently in UTF-8, in UTF-16, case-insensitively and by normal form.
LETTERS = [
    "a",
    "A",
    "z",
    "-",
    "/",
    "0",
    " ",
    "é",
    "e\u0301",
    "\uff21",
    "\ue000",
    "😀",
    "\U0001f468",
]


def item(key, tag=""):
    return BucketObject(key=key, size=len(key), tag=tag, modified=NOW)


def keys_of(objects):
    return [one.key for one in objects]


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.DATA = tmp_path / "data"
    return settings.DATA


def open_files(folder):
    """Return the files below a folder that this process has open, including unlinked ones."""
    gc.collect()
    opened = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            opened.append(str(one.readlink()))
        except FileNotFoundError:
            continue
    return [one for one in opened if one.startswith(str(folder))]


@given(
    st.lists(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=4).map("".join), max_size=60),
    st.integers(1, 70),
)
@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_listing_is_deduplicated_and_sorted_by_bytes(keys, chunk):
    listed = [item(key, tag=str(number)) for number, key in enumerate(keys)]

    found = list(sorted_by_key(listed, chunk=chunk))

    assert keys_of(found) == sorted(set(keys), key=str.encode)
    last = {one.key: one for one in listed}
    assert found == [last[one.key] for one in found]


def test_normal_forms_of_one_name_are_two_keys():
    composed, decomposed = "é.jpg", unicodedata.normalize("NFD", "é.jpg")

    assert keys_of(sorted_by_key([item(composed), item(decomposed)])) == [decomposed, composed]


def test_a_listing_of_one_chunk_needs_no_disk(data):
    found = sorted_by_key([item("b"), item("a")], chunk=2)

    assert next(found).key == "a"
    assert not data.exists()


@pytest.mark.parametrize("how", ["read", "closed", "failed", "failed while listed"])
def test_no_file_is_left_on_disk(data, how):
    def listed():
        for number in range(100):
            if how == "failed while listed" and number == 90:
                raise StoreUnavailable("away", store="bucket")
            yield item(f"{number * 37 % 100:03d}")

    def read():
        with closing(sorted_by_key(listed(), chunk=10)) as found:
            next(found)
            assert len(open_files(data)) == 1
            assert list(data.iterdir()) == []
            if how == "failed":
                raise StoreUnavailable("away", store="mongodb")
            if how == "read":
                assert len(list(found)) == 99

    if how in ("read", "closed"):
        read()
    else:
        with pytest.raises(StoreUnavailable):
            read()

    assert open_files(data) == []
    assert list(data.iterdir()) == []


LONG_READER = """
import os, sys, time
from django.conf import settings
from pathlib import Path
from tempfile import TemporaryFile
settings.configure(DATA=Path(sys.argv[1]))
from datetime import datetime, UTC
from storage.buckets.listing import BucketObject
from storage.buckets.sorted_listing import sorted_by_key
objects = (BucketObject(f"{n * 37 % 100:03d}", 1, "", datetime.now(UTC)) for n in range(100))
found = sorted_by_key(objects, chunk=10)
next(found)
print("reading", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_no_file(data):
    reader = subprocess.Popen(
        [sys.executable, "-c", LONG_READER, str(data)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        assert reader.stdout.readline() == "reading\n"
        reader.send_signal(signal.SIGKILL)
        reader.wait(15)

    assert list(data.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_raises_disk_full(data, monkeypatch, number):
    """The first write succeeds, the next finds the disk full."""

    class Full:
        def __init__(self, real):
            self._real, self._left = real, 1

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._real.close()

        def __getattr__(self, name):
            return getattr(self._real, name)

        def write(self, part):
            self._left -= 1
            if self._left < 0:
                raise OSError(number, os.strerror(number))
            return self._real.write(part)

    monkeypatch.setattr(
        "storage.buckets.sorted_listing.TemporaryFile",
        lambda **options: Full(TemporaryFile(**options)),  # noqa: SIM115  # closed by it
    )
    with pytest.raises(DiskFull, match=f"no room left in {data}.*free some space") as full:
        list(sorted_by_key([item("b"), item("a"), item("0")], chunk=1))

    assert full.value.store == "data"
    assert open_files(data) == []


def test_read_only_data_folder_raises_store_unavailable(data):
    data.write_text("a file")

    with pytest.raises(StoreUnavailable, match=f"{data}.*cannot be written .*permissions"):
        list(sorted_by_key([item("b"), item("a")], chunk=1))


def test_memory_is_bounded_and_released_after_the_listing(data):
    """Ten chunks need about as much memory as two."""

    def peak(count):
        numbers = (number * 7919 % count for number in range(count))
        listed = (item(f"photos/{number:08d}.jpg", tag=f"{number:032x}") for number in numbers)
        tracemalloc.start()
        try:
            assert sum(1 for _ in sorted_by_key(listed, chunk=5000)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(10_000), peak(50_000)

    assert many < 1.5 * few

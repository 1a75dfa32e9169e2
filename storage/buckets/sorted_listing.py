"""External merge sort of a bucket's listing by key.

Amazon lists general purpose buckets in UTF-8 order; other services list folders first,
case-insensitively, in UTF-16 order or by a hash. Memory use is bounded: listings longer than one
chunk are written to a temporary file as sorted runs, which are then merged. The file is unlinked,
so the system removes it when the process ends for any reason.
"""

from __future__ import annotations

import errno
import heapq
import os
import pickle
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from django.conf import settings

from storage.buckets.listing import BucketObject
from storage.errors import DiskFull, StoreUnavailable

CHUNK = 50_000  # objects in memory at once: about 25 MB
BLOCK = 200  # objects per read, of each run

_key = attrgetter("key")
_values = attrgetter("key", "size", "tag", "modified")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sorted_by_key(
    objects: Iterable[BucketObject], *, chunk: int = CHUNK
) -> Generator[BucketObject]:
    """Yield objects sorted by key; of duplicate keys the last listed one.

    The order is by code points, which equals the order of UTF-8 bytes and of the document store.
    The first object is yielded after the whole listing was read. Close the generator if it is not
    exhausted. Raises DiskFull or StoreUnavailable if the temporary file cannot be used.
    """
    remaining = iter(objects)
    first = sorted(islice(remaining, chunk), key=_key)
    second = sorted(islice(remaining, chunk), key=_key)
    if not second:
        yield from _drop_duplicates(first)
        return
    with _runs_in(Path(settings.DATA)) as runs:
        runs.add(first)
        runs.add(second)
        del first, second
        while more := sorted(islice(remaining, chunk), key=_key):
            runs.add(more)
            del more
        yield from _drop_duplicates(runs.merged())


def _drop_duplicates(objects: Iterable[BucketObject]) -> Iterator[BucketObject]:
    """Yield the last of consecutive objects with the same key."""
    last: BucketObject | None = None
    for one in objects:
        if last is not None and last.key != one.key:
            yield last
        last = one
    if last is not None:
        yield last


class _Runs:
    """Sorted runs of objects in a temporary file; each is a list of blocks (offset, length)."""

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self._file, self._folder = file, folder
        self._runs: list[list[tuple[int, int]]] = []
        self._end = 0
        self._last_key = ""

    def add(self, objects: list[BucketObject]) -> None:
        """Write sorted objects; extend the last run if they follow it.

        An already sorted listing is a single run and needs no merge.
        """
        if not self._runs or objects[0].key < self._last_key:
            self._runs.append([])
        self._last_key = objects[-1].key
        for first in range(0, len(objects), BLOCK):
            block = [_values(one) for one in objects[first : first + BLOCK]]
            self._runs[-1].append(self._write(pickle.dumps(block, pickle.HIGHEST_PROTOCOL)))

    def merged(self) -> Iterator[BucketObject]:
        """Yield all objects by key; objects with the same key keep the order of the listing."""
        return heapq.merge(*(self._read(run) for run in self._runs), key=_key)

    def _write(self, data: bytes) -> tuple[int, int]:
        start, view = self._end, memoryview(data)
        with _errors(self._folder):
            while view:
                view = view[self._file.write(view) :]
        self._end += len(data)
        return start, len(data)

    def _read(self, run: list[tuple[int, int]]) -> Iterator[BucketObject]:
        for offset, length in run:
            with _errors(self._folder):
                data = os.pread(self._file.fileno(), length, offset)
            for values in pickle.loads(data):
                yield BucketObject(*values)


@contextmanager
def _runs_in(folder: Path) -> Iterator[_Runs]:
    """Open a temporary file in a folder; closing it frees its disk space."""
    with ExitStack() as stack:
        with _errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(TemporaryFile(dir=folder, prefix="listing-", buffering=0))
        yield _Runs(file, folder)


@contextmanager
def _errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(
                f"There is no room left in {folder}, where a long listing is sorted; "
                "free some space.",
                store="data",
            ) from error
        raise StoreUnavailable(
            f"{folder}, where a long listing is sorted, cannot be written "
            f"({os.strerror(error.errno or errno.EIO)}); change its permissions.",
            store="data",
        ) from error

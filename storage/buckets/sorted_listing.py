"""A bucket's listing in the order of its keys, in whatever order the service lists.

Amazon lists general purpose buckets in UTF-8 order; other services list folders first, without
regard to case, in UTF-16 order or by a hash. Memory stays bounded: what is more than a chunk goes
to a temporary file as sorted runs, which are merged from there. The file has no name, so that the
system removes it with the process however that ends.
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
BLOCK = 200  # objects that are read back at once, of each run

_key = attrgetter("key")
_values = attrgetter("key", "size", "tag", "modified")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def sorted_by_key(
    objects: Iterable[BucketObject], *, chunk: int = CHUNK
) -> Generator[BucketObject]:
    """Yield objects in the order of their keys, each key once, as it was listed last.

    The order is that of code points, which is also that of UTF-8 bytes and of the document store.
    Nothing is yielded before all is listed. Close the iterator if it is not read to its end.
    """
    remaining = iter(objects)
    first = sorted(islice(remaining, chunk), key=_key)
    second = sorted(islice(remaining, chunk), key=_key)
    if not second:
        yield from _last_of_each(first)
        return
    with _runs_in(Path(settings.DATA)) as runs:
        runs.add(first)
        runs.add(second)
        del first, second
        while more := sorted(islice(remaining, chunk), key=_key):
            runs.add(more)
            del more
        yield from _last_of_each(runs.merged())


def _last_of_each(objects: Iterable[BucketObject]) -> Iterator[BucketObject]:
    """Yield the last of those that have one key and follow each other."""
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
        """Write sorted objects; those that follow the last ones make their run longer.

        A listing that is sorted already is one run, and is not merged with anything.
        """
        if not self._runs or objects[0].key < self._last_key:
            self._runs.append([])
        self._last_key = objects[-1].key
        for first in range(0, len(objects), BLOCK):
            block = [_values(one) for one in objects[first : first + BLOCK]]
            self._runs[-1].append(self._write(pickle.dumps(block, pickle.HIGHEST_PROTOCOL)))

    def merged(self) -> Iterator[BucketObject]:
        """Yield all objects by key; of those with one key the earlier listed comes first."""
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
    """Open a temporary file in a folder, and close it, which gives its room back."""
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

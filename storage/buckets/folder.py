"""A local folder as a bucket. Never reads outside of it: no symlinks, no `..`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from storage.buckets.listing import BucketObject, object_too_large, object_vanished
from storage.errors import (
    CredentialsRefused,
    InvalidName,
    NoSuchBucket,
    ObjectUnreadable,
    StoreUnavailable,
    Unavailable,
)
from storage.ignored import is_ignored
from storage.names import check_bucket_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not block
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EMLINK}
# Not the fault of one file: its disk or server is unavailable, or this process lacks a resource.
_AWAY = {
    getattr(errno, name)
    for name in (
        *("ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ENOMEDIUM", "EREMOTEIO", "ETIMEDOUT"),
        *("EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ESHUTDOWN"),
        *("ECONNABORTED", "ECONNRESET", "ECONNREFUSED"),
        *("ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED"),
        *("EMFILE", "ENFILE", "ENOMEM", "EAGAIN"),
    )
    if hasattr(errno, name)  # some are Linux's own
}


@dataclass(frozen=True, order=True)
class _Entry:
    key: str  # folders with a trailing slash: `a-b/` sorts before `a/`, as the keys in them do
    size: int = 0
    mtime_ns: int = 0

    @property
    def is_folder(self) -> bool:
        return self.key.endswith("/")


class LocalBucket:
    """A folder under BUCKETS_ROOT. Ignored names, links and special files are not part of it."""

    def __init__(self, root: Path, name: str) -> None:
        check_bucket_name(name)
        self._root = Path(root)
        self._name = name

    @property
    def name(self) -> str:
        """Return the bucket's name."""
        return self._name

    def iter_objects(self, prefix: str = "") -> Iterator[BucketObject]:
        """Yield the objects under a prefix, sorted by key."""
        below = [self._entries(prefix.rpartition("/")[0])]
        while below:
            entry = next(below[-1], None)
            if entry is None:
                below.pop()
            elif not entry.key.startswith(prefix):
                continue
            elif entry.is_folder:
                below.append(self._entries(entry.key[:-1], was_listed=True))
            else:
                yield _listed(entry)

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes; raise ObjectTooLarge if there are more than max_bytes."""
        folder, _, name = key.rpartition("/")
        with self._read_errors(key), self._folder(folder) as above:
            if above is None or not _is_plain(name):
                raise self._absent(key)
            try:
                handle = os.open(name, _FILE, dir_fd=above)
            except OSError as error:
                if error.errno in _ABSENT:
                    raise self._absent(key) from error
                raise
            with os.fdopen(handle, "rb") as file:
                return _read_whole(file.fileno(), key, max_bytes=max_bytes)

    def prefixes(self, prefix: str = "") -> list[str]:
        """Return the prefixes one level below, each with a trailing slash."""
        entries = self._entries(prefix.rpartition("/")[0])
        return [one.key for one in entries if one.is_folder and one.key.startswith(prefix)]

    def is_empty(self, prefix: str = "") -> bool:
        """Return whether only ignored names are under a prefix; raises the errors of `check`."""
        folder, _, start = prefix.rpartition("/")
        with self._list_errors(folder), self._folder(folder) as handle:
            if handle is None:
                return True
            with os.scandir(handle) as entries:
                names = (entry.name for entry in entries)
                return not any(_is_listed(name) and name.startswith(start) for name in names)

    def check(self) -> None:
        """Raise NoSuchBucket, CredentialsRefused or StoreUnavailable if it cannot be listed."""
        with self._list_errors(""), self._folder("") as folder, os.scandir(folder) as entries:
            next(entries, None)

    def _entries(self, folder: str, *, was_listed: bool = False) -> Iterator[_Entry]:
        above = f"{folder}/" if folder else ""
        with self._list_errors(folder), self._folder(folder) as handle:
            if handle is None and was_listed and not _is_escaped(folder):
                # Skipping it would make its photos count as removed.
                raise StoreUnavailable(
                    f"The folder '{self._name}/{folder}' disappeared while it was being listed.",
                    store="bucket",
                )
            if handle is None or is_ignored(folder):
                return iter(())
            with os.scandir(handle) as entries:
                found = [_entry(above, entry) for entry in entries if _is_listed(entry.name)]
        # Code points sort as their UTF-8 bytes do.
        return iter(sorted(entry for entry in found if entry is not None))

    @contextmanager
    def _folder(self, path: str) -> Iterator[int | None]:
        """Open a folder of the bucket without following symlinks; None if it does not exist."""
        handle = self._open_bucket()
        try:
            for part in path.split("/") if path else ():
                inner = _open_inner(part, handle)
                if inner is None:
                    yield None
                    return
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    def _open_bucket(self) -> int:
        try:
            return os.open(self._root / self._name, _FOLDER)
        except OSError as error:
            if error.errno in _ABSENT:
                raise NoSuchBucket(
                    f"There is no bucket '{self._name}'; "
                    f"make a folder of this name (no link) in BUCKETS_ROOT, {self._root}."
                ) from error
            raise

    def _absent(self, key: str) -> Exception:
        if _is_escaped(key):
            return ObjectUnreadable(f"The name of '{key}' is not valid UTF-8; rename the file.")
        return object_vanished(key)

    @contextmanager
    def _list_errors(self, folder: str) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            # Skipping the folder would make its photos count as removed.
            raise CredentialsRefused(
                f"The folder '{self._name}/{folder}' may not be read; change its permissions.",
                store="bucket",
            ) from error
        except OSError as error:
            raise self._away(error) from error

    @contextmanager
    def _read_errors(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _AWAY:
                raise self._away(error) from error
            raise ObjectUnreadable(
                f"'{key}' cannot be read ({os.strerror(error.errno or errno.EIO)}); "
                "change its permissions or replace the file."
            ) from error

    def _away(self, error: OSError) -> Unavailable:
        return StoreUnavailable(
            f"The folder of bucket '{self._name}' cannot be read "
            f"({os.strerror(error.errno or errno.EIO)}); see that its disk is there.",
            store="bucket",
        )


def list_folder_names(root: Path) -> list[str]:
    """Return the names of the folders that are valid bucket names, sorted."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreUnavailable(
            f"BUCKETS_ROOT, {root}, cannot be read; see that it is a readable folder.",
            store="bucket",
        ) from error
    return sorted(name for name in names if _can_be_bucket(name) and not is_ignored(name))


def _can_be_bucket(name: str) -> bool:
    try:
        check_bucket_name(name)
    except InvalidName:
        return False
    return True


def _is_plain(name: str) -> bool:
    return bool(name) and not name.startswith(".") and "\0" not in name and "/" not in name


def _is_listed(name: str) -> bool:
    return _is_plain(name) and not is_ignored(name)


def _open_inner(name: str, above: int) -> int | None:
    if not _is_plain(name):
        return None
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def _entry(above: str, entry: os.DirEntry[str]) -> _Entry | None:
    key = above + _readable(entry.name)
    try:
        if entry.is_dir(follow_symlinks=False):
            return _Entry(f"{key}/")
        if not entry.is_file(follow_symlinks=False):
            return None
        facts = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return _Entry(key, size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def _readable(name: str) -> str:
    """Return the name with invalid UTF-8 bytes escaped, so that it can be reported."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _is_escaped(key: str) -> bool:
    """Return whether a key may be an escaped name of `_readable`, which cannot be opened."""
    return "\\x" in key


def _listed(entry: _Entry) -> BucketObject:
    return BucketObject(
        key=entry.key,
        size=entry.size,
        tag=f"{entry.size}-{entry.mtime_ns}",
        modified=datetime.fromtimestamp(entry.mtime_ns / 1e9, tz=UTC),
    )


def _read_whole(handle: int, key: str, *, max_bytes: int) -> bytes:
    facts = os.fstat(handle)
    if not stat.S_ISREG(facts.st_mode):
        raise ObjectUnreadable(f"'{key}' is not a regular file.")
    if facts.st_size > max_bytes:
        raise object_too_large(key, size=facts.st_size, max_bytes=max_bytes)
    parts: list[bytes] = []
    taken = 0
    while part := os.read(handle, 1 << 20):
        taken += len(part)
        if taken > max_bytes:  # the file has grown since fstat
            raise object_too_large(key, size=taken, max_bytes=max_bytes)
        parts.append(part)
    return b"".join(parts)

"""Sources of an import's photos: a zip kept in the storage of references, or a bucket's folder.

Both list ``<user_id>/<file>``, optionally below one common top folder, in a stable order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Protocol

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from profiles.documents import is_user_id
from profiles.imports.zip_reader import (
    MAX_ENTRIES,
    Archive,
    EntryRefused,
    TooManyEntries,
    check_name,
    is_ignored_entry,
)
from storage.buckets import Bucket
from storage.errors import (
    Missing,
    NoSuchBucket,
    ObjectFailing,
    ObjectTooLarge,
    ObjectUnreadable,
    ObjectVanished,
    Refused,
    StorageError,
    StoreUnavailable,
    store_unavailable,
    unavailable_from,
)

LAYOUT = "<user_id>/<file>"
PROBES = 3  # other files that are read to tell a damaged object from a failing service


class ZipGone(Missing):
    """The import's zip is no longer in the storage of references."""

    code = "zip_gone"


class FileRefused(Refused):
    """A file of an import that belongs to no person; `code` says why."""

    code = "wrong_place"

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class SourceFile:
    """A file of an import; files are processed by ``order``, a unique sort key."""

    path: str
    order: str
    content: Any  # the source's own handle of the file


class Source(Protocol):
    """Interface of a source: a list of files, and a method that reads one."""

    files: list[SourceFile]

    @property
    def read_bytes(self) -> int:
        """Return the number of bytes read so far."""

    def read(self, file: SourceFile, *, limit: int) -> bytes:
        """Return a file's bytes; raise for one larger than ``limit``."""


class ZipSource:
    """The files of a zip."""

    def __init__(self, file: IO[bytes], *, total: int, read_bytes: int = 0) -> None:
        self._archive = Archive(file, total=total, read_bytes=read_bytes)
        self.files = _in_order((one.path, one) for one in self._archive.entries)

    @property
    def read_bytes(self) -> int:
        """Return the number of bytes read so far."""
        return self._archive.read_bytes

    def read(self, file: SourceFile, *, limit: int) -> bytes:
        """Return a file's bytes; raise for one larger than ``limit``."""
        return self._archive.read(file.content, limit=limit)


class FolderSource:
    """The files below a prefix of a bucket."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket, self._prefix, self.read_bytes = bucket, prefix, 0
        listed = bucket.iter_objects(prefix)
        keys = [one.key for one in islice(listed, MAX_ENTRIES + 1)]
        if len(keys) > MAX_ENTRIES:
            raise TooManyEntries(f"There are more than {MAX_ENTRIES:,} files; import in parts.")
        paths = ((key.removeprefix(prefix), key) for key in keys)
        self.files = _in_order(pair for pair in paths if not is_ignored_entry(pair[0]))

    def read(self, file: SourceFile, *, limit: int) -> bytes:
        """Return a file's bytes; refuse one that is larger.

        Raises Unavailable if the whole folder cannot be read, rather than this file.
        """
        try:
            return self._bucket.read(file.content, max_bytes=limit)
        except NoSuchBucket as gone:
            raise _folder_away(str(gone)) from gone
        except (ObjectVanished, ObjectUnreadable):
            if self._is_gone():
                raise _folder_away() from None
            raise
        except ObjectFailing as failing:
            if self._delivers_others(file, limit=limit):
                raise ObjectUnreadable(str(failing)) from failing
            raise

    def _delivers_others(self, failing: SourceFile, *, limit: int) -> bool:
        """Say whether the bucket delivers any of ``PROBES`` other files of the folder.

        One damaged object must not keep an import waiting for ever.
        """
        others = (file for file in self.files if file.order != failing.order)
        for other in islice(others, PROBES):
            try:
                self._bucket.read(other.content, max_bytes=limit)
            except ObjectTooLarge:  # its headers were delivered
                return True
            except (ObjectVanished, ObjectUnreadable, ObjectFailing):
                continue
            return True
        return False

    def _is_gone(self) -> bool:
        try:
            return self._bucket.is_empty(self._prefix)
        except NoSuchBucket:
            return True


def top_of(files: Iterable[SourceFile]) -> str:
    """Return the common top folder of all people's folders, with a slash, or an empty string."""
    found = set()
    for file in files:
        if _is_safe(file.path):
            top, *below = file.path.split("/")
            if len(below) < 2:
                return ""
            found.add(f"{top}/")
    return found.pop() if len(found) == 1 else ""


def owner_of(file: SourceFile, *, top: str) -> str:
    """Return the user id of a file; raise FileRefused for a wrong path or an invalid id."""
    check_name(file.path)
    parts = file.path.removeprefix(top).split("/")
    if len(parts) != 2:
        raise FileRefused(f"The file does not lie at {LAYOUT}.", code="wrong_place")
    if not is_user_id(parts[0]):
        raise FileRefused("The folder's name cannot be a user id.", code="bad_user_id")
    return parts[0]


def keep_zip(import_id: str, file: File) -> None:
    """Store a zip for the duration of its import; it is written in chunks."""
    name = zip_name(import_id)
    with _named_errors():
        kept = _storage().save(name, file)
    if kept != name:
        raise StorageError("The storage of references renames files; let it overwrite them.")


def drop_zip(import_id: str) -> None:
    """Remove an import's zip; idempotent."""
    with _named_errors():
        _storage().delete(zip_name(import_id))


@contextmanager
def open_zip(import_id: str, *, total: int, read_bytes: int) -> Iterator[ZipSource]:
    """Open an import's zip; raise ZipGone."""
    with _named_errors(), closing(_storage().open(zip_name(import_id), "rb")) as file:
        yield ZipSource(file, total=total, read_bytes=read_bytes)


def zip_name(import_id: str) -> str:
    """Return the storage name of an import's zip."""
    return f"imports/{import_id}.zip"


def open_folder(
    path: str, open_bucket: Callable[[str], Bucket], *, has_begun: bool
) -> FolderSource:
    """Open a folder written as ``bucket/sub`` or ``bucket``.

    If the import ``has_begun`` and the folder is gone, StoreUnavailable is raised, so the import
    waits for it.
    """
    name, _, sub = path.partition("/")
    try:
        source = FolderSource(open_bucket(name), f"{sub}/" if sub else "")
    except NoSuchBucket as gone:
        if has_begun:
            raise _folder_away(str(gone)) from gone
        raise
    if has_begun and not source.files:
        raise _folder_away()
    return source


def _folder_away(sentence: str = "") -> StoreUnavailable:
    return StoreUnavailable(
        sentence
        or "The folder of the import is gone or empty before its end; see that it is there again, "
        "or cancel the import.",
        store="bucket",
    )


def _in_order(found: Iterable[tuple[str, Any]]) -> list[SourceFile]:
    """Return files by path; files with the same path keep the order of the source."""
    seen: Counter[str] = Counter()
    files = []
    for name, content in found:
        path = _shown(name)
        files.append(SourceFile(name, f"{path}\t{seen[path]:05d}", content))
        seen[path] += 1
    return sorted(files, key=lambda file: file.order)


def path_shown(file: SourceFile) -> str:
    """Return a file's path for display."""
    return _shown(file.path)


def _shown(path: str) -> str:
    """Replace unprintable characters, at most 1024 characters."""
    text = path.encode(errors="replace").decode()
    return "".join("\ufffd" if not letter.isprintable() else letter for letter in text)[:1024]


def _is_safe(path: str) -> bool:
    try:
        check_name(path)
    except EntryRefused:
        return False
    return True


def _storage() -> Storage:
    return storages["references"]


@contextmanager
def _named_errors() -> Iterator[None]:
    """Translate file errors to storage errors; other errors propagate."""
    try:
        yield
    except FileNotFoundError as error:
        raise ZipGone("The zip of the import is gone; start it again.") from error
    except OSError as error:
        away = unavailable_from(error) or store_unavailable("crops")
        raise type(away)(str(away), store="crops") from error

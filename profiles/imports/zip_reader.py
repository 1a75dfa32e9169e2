"""Read a zip that a stranger made: entry by entry, in memory, bounded. No stores.

Nothing is extracted to a path. The end of the archive is parsed before `zipfile` sees it, because
`zipfile` creates an object for every entry of the central directory.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from storage.errors import Refused
from storage.ignored import is_ignored

MAX_ENTRIES = 10_000
MAX_DIRECTORY = 4_000_000  # bytes of the central directory
READ_BYTES = 1_000_000

# PKWARE APPNOTE 6.3.10, sections 4.3.12, 4.3.14, 4.3.15 and 4.3.16
_END, _END_SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
_LOCATOR, _LOCATOR_SIGNATURE = struct.Struct("<4sLQL"), b"PK\x06\x07"
_END64, _END64_SIGNATURE = struct.Struct("<4sQ2H2L4Q"), b"PK\x06\x06"
_ENTRY, _ENTRY_SIGNATURE = struct.Struct("<4s4B4HL2L5H2L"), b"PK\x01\x02"
_MAX_COMMENT = 65_535
_ENCRYPTED = 0x1 | 0x40  # flags: password, strong encryption
_UTF8 = 0x800
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others can require any amount of memory
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, struct.error, NotImplementedError)


class NotAnArchive(Refused):
    """The file is not a zip, or it is damaged."""

    code = "not_an_archive"


class TooManyEntries(Refused):
    """The zip or the folder has more files than an import accepts."""

    code = "too_many_entries"


class TooManyBytes(Refused):
    """The files of a zip together have more bytes than an import reads."""

    code = "too_many_bytes"


class EntryRefused(Refused):
    """A file in a zip that is not read; `code` says why."""

    code = "unsafe_name"

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Entry:
    """A file in a zip; ``info`` is what the zip declares."""

    path: str
    info: zipfile.ZipInfo


class Archive:
    """An open, checked zip; ``read_bytes`` counts the bytes read of all files, up to ``total``."""

    def __init__(self, file: IO[bytes], *, total: int, read_bytes: int = 0) -> None:
        """Check the directory's bounds, then read it; raise NotAnArchive or TooManyEntries."""
        self.read_bytes, self._total = read_bytes, total
        check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise NotAnArchive("The zip is damaged.") from error
        self.entries = [
            Entry(path, info)
            for info in self._zip.infolist()
            if not is_ignored_entry(path := _path_of(info))
        ]

    def read(self, entry: Entry, *, limit: int) -> bytes:
        """Return a file's bytes; raise EntryRefused for an unsafe, too large or damaged file.

        Raise TooManyBytes when all files together exceed the total, including damaged files.
        """
        check_entry(entry, limit=limit)
        try:
            with self._zip.open(entry.info) as file:
                read = b"".join(self._parts(file, limit=limit))
        except (*_DAMAGED, RuntimeError) as error:
            raise EntryRefused(
                "The file is damaged in the zip.", code="unreadable_entry"
            ) from error
        if len(read) > limit:
            raise _too_large(f"more than {limit:,}", limit)
        return read

    def _parts(self, file: IO[bytes], *, limit: int) -> Iterator[bytes]:
        """Yield a file's bytes, at most one more than the limit."""
        left = limit + 1
        while left and (part := file.read(min(left, READ_BYTES))):
            left -= len(part)
            self.read_bytes += len(part)
            if self.read_bytes > self._total:
                raise TooManyBytes(f"The files have more than {self._total:,} bytes together.")
            yield part


def check_directory(file: IO[bytes]) -> None:
    """Raise NotAnArchive for anything but a zip, TooManyEntries for too large a directory."""
    size = file.seek(0, 2)
    count, length, ends_at = _end_of(file, size)
    if count > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise _too_many()
    if length > ends_at:
        raise NotAnArchive("The zip is damaged: it is shorter than its table of contents.")
    file.seek(ends_at - length)
    if _entries_in(file.read(length)) != count:
        raise NotAnArchive("The zip is damaged: its files do not match its table of contents.")
    file.seek(0)


def is_ignored_entry(path: str) -> bool:
    """Say whether a name is a folder's, or of what computers leave in folders by themselves."""
    name = path.replace("\\", "/")
    return name.endswith("/") or is_ignored(name)


def check_entry(entry: Entry, *, limit: int) -> None:
    """Raise EntryRefused for what the zip declares of a file, before any of its bytes are read."""
    info, kind = entry.info, stat.S_IFMT(entry.info.external_attr >> 16)
    check_name(entry.path)
    check_name(info.orig_filename)
    if kind not in (0, stat.S_IFREG):
        raise EntryRefused("This is a link or a device, not a file.", code="link")
    if info.flag_bits & _ENCRYPTED:
        raise EntryRefused("The file is encrypted.", code="encrypted")
    if info.file_size > limit:
        raise _too_large(f"{info.file_size:,}", limit)
    if info.compress_type not in _READABLE:
        raise EntryRefused("The compression method is not supported.", code="unreadable_entry")
    if info.header_offset < 0:
        raise EntryRefused("The file is damaged in the zip.", code="unreadable_entry")


def check_name(path: str) -> None:
    """Reject a path that is absolute, leaves the folder, or has control characters."""
    parts = path.split("/")
    is_unsafe = (
        path.startswith("/")
        or "\\" in path
        or path[1:2] == ":"
        or any(ord(letter) < 32 or ord(letter) == 127 for letter in path)
        or any(part in {"", ".", ".."} for part in parts)
    )
    if is_unsafe:
        raise EntryRefused("The name points outside the zip or is not valid.", code="unsafe_name")


def _end_of(file: IO[bytes], size: int) -> tuple[int, int, int]:
    """Return the declared number of entries, the length of the directory, and where it ends."""
    start = max(size - _END.size - _MAX_COMMENT, 0)
    file.seek(start)
    tail = file.read()
    at = _end_in(tail)
    if at < 0:
        raise NotAnArchive("The file is not a zip.")
    _, disk, first_disk, _, count, length, _, _ = _END.unpack_from(tail, at)
    at64 = at - _LOCATOR.size
    if at64 < 0 or tail[at64 : at64 + 4] != _LOCATOR_SIGNATURE:
        if disk or first_disk:
            raise NotAnArchive("The zip is one part of several.")
        return count, length, start + at
    ends_at = start + at64 - _END64.size  # `zipfile` looks here and ignores the locator's offset
    if ends_at < 0:
        raise NotAnArchive("The zip is damaged.")
    file.seek(ends_at)
    signature, _, _, _, disk, first_disk, _, count64, length64, _ = _END64.unpack(
        file.read(_END64.size)
    )
    if signature != _END64_SIGNATURE or disk or first_disk:
        raise NotAnArchive("The zip is damaged.")
    return count64, length64, ends_at


def _end_in(tail: bytes) -> int:
    """Return the offset of the end record, found the way `zipfile` finds it; -1 without one."""
    last = len(tail) - _END.size
    if last >= 0 and tail[last : last + 4] == _END_SIGNATURE and tail[-2:] == b"\x00\x00":
        return last
    at = tail.rfind(_END_SIGNATURE)
    return at if 0 <= at <= last else -1


def _entries_in(directory: bytes) -> int:
    """Count the entries of a directory; raise TooManyEntries as soon as there are too many."""
    at = count = 0
    while at < len(directory):
        header = directory[at : at + _ENTRY.size]
        if len(header) < _ENTRY.size or header[:4] != _ENTRY_SIGNATURE:
            raise NotAnArchive("The zip is damaged: its table of contents cannot be read.")
        name, extra, comment = struct.unpack_from("<3H", header, 28)
        at += _ENTRY.size + name + extra + comment
        count += 1
        if count > MAX_ENTRIES:
            raise _too_many()
    return count


def _path_of(info: zipfile.ZipInfo) -> str:
    """Return a file's name; undeclared UTF-8 is recognised."""
    name = info.orig_filename
    if info.flag_bits & _UTF8 or name.isascii():
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def _too_many() -> TooManyEntries:
    return TooManyEntries(f"There are more than {MAX_ENTRIES:,} files; import them in parts.")


def _too_large(has: str, limit: int) -> EntryRefused:
    return EntryRefused(f"The file has {has} bytes; {limit:,} are allowed.", code="too_many_bytes")

"""The erasure log: one line of JSON per erasure, appended to a file outside of the stores.

After a restore of the stores from a backup, it contains the erasures made since the backup.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.errors import StoreUnavailable


class ErasureLogUnavailable(StoreUnavailable):
    """The erasure log cannot be written or read, so nothing is erased."""

    code = "erasure_log_unavailable"


@dataclass(frozen=True)
class LogEntry:
    """An erasure: the person's keyed hash, its number, its time, and the hash key's fingerprint."""

    person: str
    seq: int
    at: str
    key: str


def append_log(file: Path, entry: LogEntry) -> None:
    """Append an erasure; file and folder entry are on disk when this returns."""
    line = json.dumps(asdict(entry)) + "\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        # A full disk or a crash may have cut the last line short; a line break ends it.
        broken = not is_new and file.stat().st_size > 0 and not _ends_with_newline(file)
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            data = (("\n" if broken else "") + line).encode()
            if os.write(handle, data) != len(data):
                raise OSError(28, "No space left on device")
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(file.parent)
    except OSError as error:
        raise _unavailable(file, error) from error


def read_log(file: Path) -> Iterator[LogEntry]:
    """Yield the erasures of a log; incomplete lines are skipped."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    except OSError as error:
        raise _unavailable(file, error) from error
    for line in text.splitlines():
        try:
            found = json.loads(line)
            yield LogEntry(
                str(found["person"]), int(found["seq"]), str(found["at"]), str(found["key"])
            )
        except (ValueError, KeyError, TypeError):
            continue


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries to disk; a new file is lost in a power failure without this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as opened:
        opened.seek(-1, os.SEEK_END)
        return opened.read(1) == b"\n"


def _unavailable(file: Path, error: OSError) -> ErasureLogUnavailable:
    return ErasureLogUnavailable(
        f"The erasure log {file} cannot be used ({error.strerror}). Nothing was erased; make the "
        "file writable or set ERASURE_LOG to another place, then erase again.",
        store="erasure_log",
    )

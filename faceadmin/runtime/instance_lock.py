"""One running instance per data folder: a file lock with the owner's process id and address."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from faceadmin.runtime.exit_codes import CommandFailed, Exit

ATTEMPTS = 5  # ``find_running`` takes the lock for an instant
PAUSE_S = 0.05


@dataclass(frozen=True)
class RunningInstance:
    """The process that runs on a data folder; without an address it serves no pages.

    ``documents`` is the port of its embedded MongoDB, 0 without one.
    """

    process: int
    address: str = ""
    documents: int = 0
    is_ready: bool = False

    @property
    def sentence(self) -> str:
        """A readable description."""
        where = f" at {self.address}" if self.address else ", without pages"
        return f"faceadmin is running already on this data folder: process {self.process}{where}."


class DataLock:
    """The lock of a data folder; the kernel releases it when the process ends."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def tell(self, running: RunningInstance) -> None:
        """Write the lock's owner into the file, for processes that find it locked."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(running), self._file)
        self._file.flush()


@contextmanager
def hold_data_lock(folder: Path, running: RunningInstance) -> Iterator[DataLock]:
    """Hold the lock of a data folder; raise CommandFailed if another process has it."""
    with _lock_file(folder) as file:
        for _ in range(ATTEMPTS):
            if _try_lock(file, fcntl.LOCK_EX):
                break
            time.sleep(PAUSE_S)
        else:
            raise CommandFailed(_read_owner(file).sentence, code=Exit.RUNNING_ALREADY)
        lock = DataLock(file)
        lock.tell(running)
        try:
            yield lock
        finally:
            file.truncate(0)


def find_running(folder: Path) -> RunningInstance | None:
    """Return the instance that runs on a data folder, or None."""
    if not (folder / "lock").is_file():
        return None
    with _lock_file(folder) as file:
        return None if _try_lock(file, fcntl.LOCK_SH) else _read_owner(file)


def _lock_file(folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("a+", encoding="utf-8")


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(file: IO[str]) -> RunningInstance:
    file.seek(0)
    try:
        return RunningInstance(**json.load(file))
    except (ValueError, TypeError):  # the owner has locked the file but not written it yet
        return RunningInstance(0)

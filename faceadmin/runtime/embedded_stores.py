"""The two embedded stores: their commands, and checks that they are ready and ours.

Uses folders, ports and sockets only; reads no settings.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from storage.errors import StorageError
from storage.mongo import mongo_process_id
from storage.vectors.embedded.client import EmbeddedDriver

_MONGODB_MODULE = "storage.nx_27017_server"


def mongodb_command(folder: Path, port: int) -> list[str]:
    """Return the embedded document store's command, to be run in the checkout; make its folder.

    Log and process id are written there too; the default is /tmp, which all users share.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_stale_files(folder)
    return [
        *(sys.executable, "-m", _MONGODB_MODULE),
        *("--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder.absolute())),
        *("--log-file", str(_log_file(folder)), "--pid-file", str(_pid_file(folder))),
    ]


def is_our_mongodb(port: int, folder: Path) -> bool:
    """Say whether the server on the port is the one that was started on the folder.

    Another server may listen on the port; it cannot report the process id in our pid file.
    """
    ours = _read_pid(folder)
    return ours is not None and mongo_process_id(port) == ours


def qdrant_command(folder: Path, socket: Path) -> list[str]:
    """Return the command of the embedded vector store, to be run in the checkout's folder."""
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        *(sys.executable, "-m", "storage.vectors.embedded.server"),
        *("--folder", str(folder.absolute()), "--socket", str(socket.absolute())),
    ]


def is_qdrant_ready(socket: Path) -> bool:
    """Say whether the vector store's process responds; it has to prove that it has our key."""
    try:
        EmbeddedDriver(socket).ping()
    except StorageError:
        return False
    return True


def _log_file(folder: Path) -> Path:
    return folder.absolute() / "nx-27017.log"


def _pid_file(folder: Path) -> Path:
    return folder.absolute() / "nx-27017.pid"


def _read_pid(folder: Path) -> int | None:
    try:
        return int(_pid_file(folder).read_text())
    except (OSError, ValueError):
        return None


def _remove_stale_files(folder: Path) -> None:
    """Remove the pid file of a killed server, because another process may have its id now.

    nx-27017 would take that process for a running server and refuse to start.
    """
    written = _read_pid(folder)
    if written is not None and not _is_document_store(written):
        _pid_file(folder).unlink(missing_ok=True)


def _is_document_store(process: int) -> bool:
    try:
        os.kill(process, 0)
        command = Path(f"/proc/{process}/cmdline")
        return (
            not command.parent.parent.exists() or _MONGODB_MODULE.encode() in command.read_bytes()
        )
    except OSError:
        return False

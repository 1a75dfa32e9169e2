"""The processes of the product: their commands and readiness checks.

``compose.yaml`` uses the same commands for the workers and the web server.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from faceadmin.runtime.embedded_stores import (
    is_our_mongodb,
    is_qdrant_ready,
    mongodb_command,
    qdrant_command,
)
from faceadmin.runtime.process_state import process_state

PREPARE = ("python", "manage.py", "prepare")
WORKERS = ("python", "manage.py", "workers")
WEB = ("python", "-m", "gunicorn", "--config", "python:faceadmin.gunicorn", "faceadmin.wsgi")
ANSWER_TIMEOUT_S = 5.0
WORKERS_SILENT_S = 10.0  # they report several times within this interval


@dataclass(frozen=True)
class Service:
    """One process of the product; ``is_ready`` and ``is_alive`` get its process id.

    ``is_ready`` is called until the process is ready for the first time, ``is_alive`` from then on.
    ``is_alive`` may block: it is called in a thread.
    """

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[int], bool]
    is_alive: Callable[[int], bool] | None = None  # the same as is_ready


def local_services(*, web: bool) -> list[Service]:
    """Return the processes to run on this machine, in start order."""
    services = []
    if settings.MONGODB_EMBEDDED:
        services.append(_documents(settings.DATA / "mongodb", settings.FACEADMIN_MONGODB_PORT))
    if settings.QDRANT_EMBEDDED:
        services.append(_vectors(settings.DATA / "qdrant", settings.QDRANT_SOCKET))
    services.append(Service("workers", lambda: _ours(WORKERS), are_workers_ready))
    if web:
        services.append(
            Service(
                "web", lambda: _ours(WEB), lambda _: is_web_ready(), lambda _: is_web_answering()
            )
        )
    return services


def address() -> str:
    """Return the URL of the pages."""
    return f"http://{host_in_url(settings.FACEADMIN_HOST)}:{settings.FACEADMIN_PORT}"


def host_in_url(host: str) -> str:
    """Return the host under which a browser on this machine reaches a listening address."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def are_workers_ready(process: int) -> bool:
    """Return whether the workers of a process have reported within WORKERS_SILENT_S."""
    try:
        reported = _workers_alive_file(process).stat().st_mtime_ns
    except OSError:
        return False
    return abs(time.monotonic_ns() - reported) < WORKERS_SILENT_S * 10**9


def report_workers_alive() -> None:
    """Report to the launcher that this process has workers and watches them.

    The report is a file's mtime, set to the monotonic clock, which is not affected by clock
    changes; updating it works on a full disk.
    """
    file, now = _workers_alive_file(os.getpid()), time.monotonic_ns()
    with suppress(OSError):
        if not file.exists():
            _remove_stale_files(file.parent)
            file.touch()
        os.utime(file, ns=(now, now))


def _workers_alive_file(process: int) -> Path:
    folder: Path = settings.DATA / "run"
    return folder / f"workers-{process}"


def _remove_stale_files(folder: Path) -> None:
    for file in folder.glob("workers*"):
        if not process_state(int(file.name.partition("-")[2] or 0)):
            file.unlink(missing_ok=True)


def is_web_ready() -> bool:
    """Return whether the web server reports that all parts are ready."""
    return _get_is_ok("/health/ready")


def is_web_answering() -> bool:
    """Return whether the web server responds."""
    return _get_is_ok("/health/live")


def _get_is_ok(path: str) -> bool:
    host = host_in_url(settings.FACEADMIN_HOST).strip("[]")
    connection = http.client.HTTPConnection(host, settings.FACEADMIN_PORT, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _documents(folder: Path, port: int) -> Service:
    return Service(
        "documents",
        lambda: mongodb_command(folder, port),
        lambda _: is_our_mongodb(port, folder),
    )


def _vectors(folder: Path, socket: Path) -> Service:
    return Service(
        "vectors", lambda: qdrant_command(folder, socket), lambda _: is_qdrant_ready(socket)
    )


def _ours(command: tuple[str, ...]) -> list[str]:
    return [sys.executable, *command[1:]]

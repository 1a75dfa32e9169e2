"""The processes of the product: their commands, and how to tell that each is ready.

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
WORKERS_SILENT_S = 10.0  # they say many times in it that they live


@dataclass(frozen=True)
class Service:
    """One process of the product; ``is_ready`` and ``is_alive`` get its process id.

    ``is_ready`` is asked until the first start of all is through, ``is_alive`` from then on. It may
    take long to answer: it is asked in a thread.
    """

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[int], bool]
    is_alive: Callable[[int], bool] | None = None  # the same as is_ready


def local_services(*, web: bool) -> list[Service]:
    """Return the processes of this machine in the order in which they start."""
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
    """Return a listening host as a browser on this machine reaches it."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def are_workers_ready(process: int) -> bool:
    """Tell whether the workers of a process have just said that they live."""
    try:
        said = _workers_alive_file(process).stat().st_mtime_ns
    except OSError:
        return False
    return abs(time.monotonic_ns() - said) < WORKERS_SILENT_S * 10**9


def report_workers_alive() -> None:
    """Let the launcher know that this process has workers and watches them.

    The file's time is the monotonic clock, which cannot be set; a full disk does not keep it old.
    """
    file, now = _workers_alive_file(os.getpid()), time.monotonic_ns()
    with suppress(OSError):
        if not file.exists():
            _forget_ended_workers(file.parent)
            file.touch()
        os.utime(file, ns=(now, now))


def _workers_alive_file(process: int) -> Path:
    folder: Path = settings.DATA / "run"
    return folder / f"workers-{process}"


def _forget_ended_workers(folder: Path) -> None:
    for file in folder.glob("workers*"):
        if not process_state(int(file.name.partition("-")[2] or 0)):
            file.unlink(missing_ok=True)


def is_web_ready() -> bool:
    """Tell whether the web server says that everything is ready."""
    return _web_says_ok("/health/ready")


def is_web_answering() -> bool:
    """Tell whether the web server answers at all."""
    return _web_says_ok("/health/live")


def _web_says_ok(path: str) -> bool:
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

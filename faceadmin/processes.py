"""The processes that make up the product: how each is started, and how to tell that it is ready.

The commands of the workers and of the web server are those of ``compose.yaml`` as well.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from faceadmin.embedded import mongodb_command, mongodb_is_ours, qdrant_command, qdrant_is_ready

PREPARE = ("python", "manage.py", "prepare")
WORKERS = ("python", "manage.py", "workers")
WEB = ("python", "-m", "gunicorn", "--config", "python:faceadmin.gunicorn", "faceadmin.wsgi")
ANSWER_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Service:
    """One process of the product; ``is_ready`` gets its process id."""

    name: str
    command: Callable[[], list[str]]
    is_ready: Callable[[int], bool]


def services_here(*, web: bool) -> list[Service]:
    """Return what has to run on this machine, in the order of starting."""
    services = []
    if settings.MONGODB_EMBEDDED:
        services.append(_documents(settings.DATA / "mongodb", settings.FACEADMIN_MONGODB_PORT))
    if settings.QDRANT_EMBEDDED:
        services.append(_vectors(settings.DATA / "qdrant", settings.QDRANT_SOCKET))
    services.append(Service("workers", lambda: _ours(WORKERS), workers_are_ready))
    if web:
        services.append(Service("web", lambda: _ours(WEB), lambda _: web_is_ready()))
    return services


def address() -> str:
    """Return where the pages are."""
    return f"http://{host_in_url(settings.FACEADMIN_HOST)}:{settings.FACEADMIN_PORT}"


def host_in_url(host: str) -> str:
    """Return a host to listen on as a browser on this machine would write it."""
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{reached}]" if ":" in reached else reached


def workers_are_ready(process: int) -> bool:
    """Tell whether the workers of a process have said that they take tasks."""
    try:
        return workers_file().read_text() == str(process)
    except OSError:
        return False


def workers_say_ready() -> None:
    """Let the launcher know that tasks are taken by the group of processes this one is in."""
    file = workers_file()
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    scratch.write_text(str(os.getpgid(0)))
    scratch.replace(file)


def workers_file() -> Path:
    """Return the file in which the workers say that they are ready."""
    folder: Path = settings.DATA / "run"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "workers"


def web_is_ready() -> bool:
    """Tell whether the web server says that everything is ready."""
    host = host_in_url(settings.FACEADMIN_HOST).strip("[]")
    connection = http.client.HTTPConnection(host, settings.FACEADMIN_PORT, timeout=ANSWER_TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _documents(folder: Path, port: int) -> Service:
    return Service(
        "documents",
        lambda: mongodb_command(folder, port),
        lambda _: mongodb_is_ours(port, folder),
    )


def _vectors(folder: Path, socket: Path) -> Service:
    return Service(
        "vectors", lambda: qdrant_command(folder, socket), lambda _: qdrant_is_ready(socket)
    )


def _ours(command: tuple[str, ...]) -> list[str]:
    return [sys.executable, *command[1:]]

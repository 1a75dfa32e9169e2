"""Run the whole product on this machine: prepare, start, watch, stop.

Only the launcher starts embedded stores; all other code reaches them by the configured addresses.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.db import connections

from clustering.tasks import enqueue_sweep
from faceadmin.runtime import parent_death
from faceadmin.runtime.bootstrap import PreparedInstallation, check_servers, make_folders, prepare
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from faceadmin.runtime.instance_lock import DataLock, RunningInstance, find_running, hold_data_lock
from faceadmin.runtime.progress_bar import Progress
from faceadmin.runtime.services import address, local_services
from faceadmin.runtime.supervisor import CHECKOUT, Supervisor
from profiles.imports.tasks import enqueue_imports_sweep

OTHERS_START_S = 120.0
STOP_S = 75.0  # longer than four processes may take to stop one after the other
LOOK_EVERY_S = 0.1
Say = Callable[[str], None]


def launch(*, web: bool, say: Say, mention: Say) -> None:
    """Prepare and start everything, and keep it running until SIGTERM, SIGINT or SIGHUP.

    ``say`` gets essential sentences, ``mention`` those that a quiet command omits.
    """
    here = address() if web else ""
    documents = settings.FACEADMIN_MONGODB_PORT if settings.MONGODB_EMBEDDED else 0
    running = RunningInstance(os.getpid(), here, documents)
    with hold_data_lock(settings.DATA, running) as lock:
        check_ports(web=web)
        with Progress("Fetching models", unit="B") as progress:
            prepared = prepare(progress=progress.update, say=say)
        if prepared.password:
            say(f"First account: admin, password: {prepared.password} (shown once; keep it)")
        check_servers()
        supervisor = Supervisor(local_services(web=web), logs=settings.DATA / "logs", say=say)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, supervisor.stop_soon)
        connections.close_all()
        supervisor.run(when_ready=lambda: _ready(lock, running, prepared, mention=mention))
    mention("Stopped.")


def check_ports(*, web: bool) -> None:
    """Raise CommandFailed if another program listens on one of our ports."""
    if web:
        _check_port(settings.FACEADMIN_HOST, settings.FACEADMIN_PORT, setting="FACEADMIN_PORT")
    if settings.MONGODB_EMBEDDED:
        _check_port("127.0.0.1", settings.FACEADMIN_MONGODB_PORT, setting="FACEADMIN_MONGODB_PORT")


@contextmanager
def run_services() -> Iterator[bool]:
    """Provide stores and workers, of a running instance or our own; yield whether they are ours."""
    if find_running(settings.DATA):
        wait_for_others()
        yield False
        return
    launcher = _start_launcher()
    try:
        _wait_for_launcher(launcher)
        yield True
    finally:
        _stop_launcher(launcher)


def wait_for_others() -> None:
    """Wait until the instance that runs on the data folder is ready."""
    give_up = time.monotonic() + OTHERS_START_S
    while (running := find_running(settings.DATA)) is not None and not running.is_ready:
        if time.monotonic() > give_up:
            raise CommandFailed(f"{running.sentence} But it does not become ready; see its output.")
        time.sleep(LOOK_EVERY_S)
    if running is None:
        raise CommandFailed("The faceadmin that ran on this data folder has just ended; try again.")


def _ready(
    lock: DataLock, running: RunningInstance, prepared: PreparedInstallation, *, mention: Say
) -> None:
    enqueue_sweep()
    enqueue_imports_sweep()
    connections.close_all()
    pair = prepared.models
    mention(f"Models: {pair.detector} + {pair.embedder}. {pair.why}")
    mention(f"Data: {settings.DATA}")
    mention(f"Ready: {running.address or 'stores and workers'}")
    lock.tell(replace(running, is_ready=True))


def _check_port(host: str, port: int, *, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandFailed(
                    f"Port {port} on {host} is taken by another program; "
                    f"set {setting} to a free one."
                ) from error
            raise CommandFailed(
                f"Nothing can listen on {host}, port {port} ({error.strerror}); "
                f"check FACEADMIN_HOST and {setting}."
            ) from error


def _start_launcher() -> subprocess.Popen[bytes]:
    """Start stores and workers for this command; the launcher's output goes to standard error."""
    make_folders()
    command = [sys.executable, str(CHECKOUT / "manage.py"), "up", "--without-web", "--verbosity=0"]
    return subprocess.Popen(
        [sys.executable, "-IS", parent_death.__file__, str(os.getpid()), *command],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr.fileno(),
        start_new_session=True,
    )


def _wait_for_launcher(launcher: subprocess.Popen[bytes]) -> None:
    while not ((running := find_running(settings.DATA)) and running.is_ready):
        code = launcher.poll()
        if code is not None:  # the launcher has printed the reason
            raise CommandFailed(code=Exit(code) if code in set(Exit) else Exit.FAILED)
        time.sleep(LOOK_EVERY_S)


def _stop_launcher(launcher: subprocess.Popen[bytes]) -> None:
    launcher.terminate()
    try:
        launcher.wait(STOP_S)
    except subprocess.TimeoutExpired:
        launcher.kill()
        launcher.wait()

"""Keep a list of processes running: start them in order, restart them, stop them in reverse.

A plain loop over ``subprocess``. Each process has its own session and is killed by the kernel when
this process ends. One thread per process runs its liveness probe, which may block.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from faceadmin.runtime import parent_death
from faceadmin.runtime.exit_codes import CommandFailed
from faceadmin.runtime.process_state import is_process_stopped
from faceadmin.runtime.services import Service

CHECKOUT = Path(__file__).resolve().parents[2]
LOG_BYTES = 10_000_000
TAIL_LINES = 12


@dataclass(frozen=True)
class Timeouts:
    """Time limits in seconds, and the limit of successive failures."""

    start: float = 90.0
    stop: float = 15.0
    steady: float = 30.0  # uptime after which the count of successive failures is reset
    pause: float = 0.25  # doubled after each failure
    longest_pause: float = 30.0
    tick: float = 0.1
    failures: int = 5  # successive ones, of a process that has never been ready
    ask: float = 5.0  # interval of liveness probes
    silent: float = 90.0  # a process without a successful probe for this time is restarted


class CrashLoop(CommandFailed):
    """A process that has never been ready fails repeatedly or does not become ready."""


class _LivenessProbes(threading.Thread):
    """Probes a process periodically and records the time of the last success.

    A probe may block as long as the process hangs; it ends when the process is killed.
    """

    def __init__(self, is_alive: Callable[[int], bool], process: int, *, every: float) -> None:
        super().__init__(name=f"probes of {process}", daemon=True)
        self._is_alive, self._process, self._every = is_alive, process, every
        self._ended = threading.Event()
        self.answered = time.monotonic()

    def run(self) -> None:
        """Probe until ``end`` is called."""
        while not self._ended.wait(self._every):
            with suppress(Exception):  # any error is a failed probe
                if not is_process_stopped(self._process) and self._is_alive(self._process):
                    self.answered = time.monotonic()

    def end(self) -> None:
        """Stop probing."""
        self._ended.set()


@dataclass
class _Child:
    """A service with its process, if it is running."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None
    is_ready: bool = False
    was_ready: bool = False  # at any earlier time, so the command works in principle
    probes: _LivenessProbes | None = None
    since: float = 0.0  # started, ready or failed
    failures: int = field(default=0)


class Supervisor:
    """Runs services until told to stop, or until one cannot be started at all."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        logs: Path,
        say: Callable[[str], None],
        timeouts: Timeouts | None = None,
    ) -> None:
        self._children = [_Child(one, logs / f"{one.name}.log") for one in services]
        self._say = say
        self._timeouts = timeouts or Timeouts()
        self._is_stopping = False
        self._ticked = self._awake_since = time.monotonic()
        logs.mkdir(parents=True, exist_ok=True)

    def stop_soon(self, *_signal: object) -> None:
        """Stop the loop at its next iteration; safe in a signal handler."""
        self._is_stopping = True

    def run(self, *, when_ready: Callable[[], None]) -> None:
        """Start everything, call ``when_ready`` once all is ready, and watch until stopped."""
        try:
            for child in self._children:
                self._until(lambda child=child: self._is_up(child))  # type: ignore[misc]  # a loop's lambda binds its child
            if not self._is_stopping:
                when_ready()
            self._until(lambda: False)
        finally:
            self._stop_all()

    def _until(self, is_reached: Callable[[], bool]) -> None:
        while not self._is_stopping and not is_reached():
            self._detect_suspension()
            for child in self._children:
                self._watch(child)
            time.sleep(self._timeouts.tick)

    def _detect_suspension(self) -> None:
        """Detect that this process itself was suspended: earlier silence does not count."""
        now = time.monotonic()
        if now - self._ticked > self._timeouts.silent / 3:
            self._awake_since = now
        self._ticked = now

    def _is_up(self, child: _Child) -> bool:
        if child.process is None and not child.failures:
            self._start(child)
        return child.is_ready

    def _watch(self, child: _Child) -> None:
        """Check a child that has been started before."""
        if child.process is None:
            if child.failures and time.monotonic() - child.since >= self._pause(child):
                self._start(child)
        elif child.process.poll() is not None:
            self._record_failure(child, f"ended with {_describe_exit(child.process.returncode)}")
        elif not child.is_ready:
            self._check_ready(child)
        elif self._silence(child) > self._timeouts.silent:
            self._record_failure(child, f"did not answer for {self._timeouts.silent:g} s")
        elif time.monotonic() - child.since >= self._timeouts.steady:
            child.failures = 0
            _truncate_log(child.log)

    def _start(self, child: _Child) -> None:
        _truncate_log(child.log)
        command = child.service.command()
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                [sys.executable, "-IS", parent_death.__file__, str(os.getpid()), *command],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        child.is_ready, child.since = False, time.monotonic()

    def _pause(self, child: _Child) -> float:
        return min(self._timeouts.pause * 2 ** (child.failures - 1), self._timeouts.longest_pause)

    def _silence(self, child: _Child) -> float:
        """Return the seconds since the last successful probe, or since the last suspension."""
        assert child.probes is not None
        return time.monotonic() - max(child.probes.answered, self._awake_since)

    def _check_ready(self, child: _Child) -> None:
        """Check whether a child is ready; after its first start, liveness is enough.

        The web server is ready only if all parts are, and must not be restarted for other parts.
        """
        assert child.process is not None
        service, process = child.service, child.process.pid
        is_alive = service.is_alive or service.is_ready
        if (is_alive if child.was_ready else service.is_ready)(process):
            child.is_ready = child.was_ready = True
            child.since = time.monotonic()
            child.probes = _LivenessProbes(is_alive, process, every=self._timeouts.ask)
            child.probes.start()
        elif time.monotonic() - child.since > self._timeouts.start:
            self._record_failure(child, f"was not ready within {self._timeouts.start:g} s")

    def _record_failure(self, child: _Child, how: str) -> None:
        _end(child, patience=0)
        child.failures, child.since = child.failures + 1, time.monotonic()
        name = child.service.name
        if child.failures >= self._timeouts.failures and not child.was_ready:
            raise CrashLoop(
                f"The process '{name}' {how}, {child.failures} times in a row, so everything was "
                f"stopped. The end of {child.log}:\n{_tail(child.log)}"
            )
        pause = self._pause(child)
        when = f" in {pause:g} s" if pause >= 1 else ""
        self._say(f"The process '{name}' {how}; it is started again{when}.")

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            _end(child, patience=self._timeouts.stop)


def _end(child: _Child, *, patience: float) -> None:
    """Send SIGTERM to a child's main process, then kill the rest of its session."""
    process, child.process, child.is_ready = child.process, None, False
    if child.probes is not None:
        child.probes.end()
        child.probes = None
    if process is None:
        return
    if process.poll() is None and patience:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _truncate_log(log: Path) -> None:
    """Move a large log to ``.1`` and truncate it in place; its writers append and keep it open."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:])

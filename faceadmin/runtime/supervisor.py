"""Keep a list of processes running: start them in order, restart them, stop them in reverse.

A plain loop over ``subprocess``. Each process has a session of its own and is killed by the kernel
when this one ends. A thread for each asks whether it still answers; an answer may take long.
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
    steady: float = 30.0  # up that long, a process has not failed in a row
    pause: float = 0.25  # doubled after each failure
    longest_pause: float = 30.0
    tick: float = 0.1
    failures: int = 5  # of a process that has never been ready
    ask: float = 5.0  # how often a process is asked whether it answers
    silent: float = 90.0  # a process that answers nothing for so long is started again


class CrashLoop(CommandFailed):
    """A process fails again and again, or does not become ready, from the start."""


class _LivenessProbes(threading.Thread):
    """Ask a process again and again whether it answers, and remember when it last did.

    A question may hang as long as the process does; it ends when the process is killed.
    """

    def __init__(self, is_alive: Callable[[int], bool], process: int, *, every: float) -> None:
        super().__init__(name=f"questions to {process}", daemon=True)
        self._is_alive, self._process, self._every = is_alive, process, every
        self._ended = threading.Event()
        self.answered = time.monotonic()

    def run(self) -> None:
        """Ask until told to end."""
        while not self._ended.wait(self._every):
            with suppress(Exception):  # whatever went wrong, it was no answer
                if not is_process_stopped(self._process) and self._is_alive(self._process):
                    self.answered = time.monotonic()

    def end(self) -> None:
        """Ask no more."""
        self._ended.set()


@dataclass
class _Child:
    """A service with its process, if it is running."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None
    is_ready: bool = False
    was_ready: bool = False  # at any time: it can be started
    questions: _LivenessProbes | None = None
    since: float = 0.0  # started, ready or failed
    failures: int = field(default=0)


class Supervisor:
    """Run services until told to stop, or until one cannot be started at all."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        logs: Path,
        say: Callable[[str], None],
        patience: Timeouts | None = None,
    ) -> None:
        self._children = [_Child(one, logs / f"{one.name}.log") for one in services]
        self._say = say
        self._patience = patience or Timeouts()
        self._is_stopping = False
        self._looked = self._awake_since = time.monotonic()
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
            self._look_at_the_clock()
            for child in self._children:
                self._watch(child)
            time.sleep(self._patience.tick)

    def _look_at_the_clock(self) -> None:
        """Notice that this process was stopped itself: no silence before that counts."""
        now = time.monotonic()
        if now - self._looked > self._patience.silent / 3:
            self._awake_since = now
        self._looked = now

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
            self._failed(child, f"ended with {_describe_exit(child.process.returncode)}")
        elif not child.is_ready:
            self._look_for_ready(child)
        elif self._silence(child) > self._patience.silent:
            self._failed(child, f"did not answer for {self._patience.silent:g} s")
        elif time.monotonic() - child.since >= self._patience.steady:
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
        return min(self._patience.pause * 2 ** (child.failures - 1), self._patience.longest_pause)

    def _silence(self, child: _Child) -> float:
        """Return for how long a child that was ready has not answered, or was not asked."""
        assert child.questions is not None
        return time.monotonic() - max(child.questions.answered, self._awake_since)

    def _look_for_ready(self, child: _Child) -> None:
        """See whether a child is ready; after its first time it is enough that it answers.

        The web server is ready once all parts are, and must not be started again for the others.
        """
        assert child.process is not None
        service, process = child.service, child.process.pid
        is_alive = service.is_alive or service.is_ready
        if (is_alive if child.was_ready else service.is_ready)(process):
            child.is_ready = child.was_ready = True
            child.since = time.monotonic()
            child.questions = _LivenessProbes(is_alive, process, every=self._patience.ask)
            child.questions.start()
        elif time.monotonic() - child.since > self._patience.start:
            self._failed(child, f"was not ready within {self._patience.start:g} s")

    def _failed(self, child: _Child, how: str) -> None:
        _end(child, patience=0)
        child.failures, child.since = child.failures + 1, time.monotonic()
        name = child.service.name
        if child.failures >= self._patience.failures and not child.was_ready:
            raise CrashLoop(
                f"The process '{name}' {how}, {child.failures} times in a row, so everything was "
                f"stopped. The end of {child.log}:\n{_tail(child.log)}"
            )
        pause = self._pause(child)
        when = f" in {pause:g} s" if pause >= 1 else ""
        self._say(f"The process '{name}' {how}; it is started again{when}.")

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            _end(child, patience=self._patience.stop)


def _end(child: _Child, *, patience: float) -> None:
    """Ask a child's main process to end, then kill what is left of its session."""
    process, child.process, child.is_ready = child.process, None, False
    if child.questions is not None:
        child.questions.end()
        child.questions = None
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
    """Keep only the last part of a log; its writers append and are not disturbed."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:])

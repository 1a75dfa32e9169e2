"""What the processes of one queue cluster did last, and the heartbeat task that goes through it.

The record lies in memory that the processes share and that has no lock, because a killed process
would keep the lock. Times are the machine's monotonic clock, which all processes read alike.

The heartbeat is put in by the process that takes tasks from the broker, after the broker has
answered: so each of several clusters tests itself, and nothing is stored.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from multiprocessing.sharedctypes import RawArray
from typing import Any
from uuid import uuid4

from django.utils import timezone
from django_q.brokers import get_broker
from django_q.signals import post_execute, post_execute_in_worker, post_spawn, pre_execute
from django_q.signing import SignedPackage

from faceadmin.runtime.process_state import process_state

HEARTBEAT = "queue heartbeat"
SENTINEL = 1  # its slot; that of the process which made the record is 0
SLOTS = 1024  # of processes that live at once; a slot is used again after so many starts
PUBLISH_EVERY_S = 2.0
PUBLISHED_FOR_S = 15


class Sign(IntEnum):
    """Something that a process of the cluster notes the time of."""

    SPAWNED = 0  # a worker is there
    GUARDED = 1  # the sentinel looked after its processes
    ISSUED = 2  # a heartbeat was put in
    RETURNED = 3  # its result came out
    TAKEN = 4  # a worker took a task of any kind
    FINISHED = 5  # a worker finished one
    STORED = 6  # the monitor stored a result
    BROKER_FAILED = 7
    STALLED_FOR = 8  # seconds, as the watch sees it


class Activity:
    """The shared record of one cluster; made before its processes are forked."""

    def __init__(self, *, workers: int, timeout: float) -> None:
        self.timeout = timeout
        self._workers = workers
        self._times = RawArray("d", len(Sign))
        self._processes = RawArray("q", SLOTS)
        self._is_busy = RawArray("b", SLOTS)
        self._slot = self._forked = 0
        self.note(Sign.RETURNED)

    def __getitem__(self, sign: Sign) -> float:
        return float(self._times[sign])

    def note(self, sign: Sign, value: float | None = None) -> None:
        """Note that something happened now."""
        self._times[sign] = time.monotonic() if value is None else value

    def record(self) -> None:
        """Let the processes that are forked from now on write into the record."""
        os.register_at_fork(before=self._before_fork, after_in_child=self._after_fork)
        post_spawn.connect(self._spawned, weak=False)
        pre_execute.connect(self._taken, weak=False)
        post_execute_in_worker.connect(self._finished, weak=False)
        post_execute.connect(self._stored, weak=False)

    def states(self) -> dict[int, str]:
        """Return the state of each living process of the cluster by its slot; free other slots."""
        group, states = os.getpgid(0), {}
        for slot, process in enumerate(self._processes):
            if not process:
                continue
            if state := process_state(process, group=group):
                states[slot] = state
            else:
                self._processes[slot] = 0
        return states

    def kill(self) -> None:
        """Kill the cluster's processes: those that wait for a lock do not listen to SIGTERM."""
        for slot in self.states():
            with suppress(ProcessLookupError):
                os.kill(self._processes[slot], signal.SIGKILL)

    def are_all_busy(self) -> bool:
        """Say whether every worker is on a task, so that the next one has to wait."""
        busy = [slot for slot, state in self.states().items() if self._is_busy[slot]]
        return len(busy) >= self._workers

    def is_heartbeat_due(self) -> bool:
        """Say whether a heartbeat is to be put in: one at a time, and none that could not run.

        One that was lost with a killed process is followed by another.
        """
        is_outstanding = self[Sign.ISSUED] > self[Sign.RETURNED]
        pause = self.timeout / (4 if is_outstanding else 6)
        return time.monotonic() - self[Sign.ISSUED] >= pause and not self.are_all_busy()

    def _before_fork(self) -> None:
        if self._slot == SENTINEL:
            self._forked += 1

    def _after_fork(self) -> None:
        """Take a slot: the first process forks the sentinel, and that one forks all others."""
        if self._slot > SENTINEL:
            return
        if self._slot == SENTINEL:
            self._slot = SENTINEL + 1 + self._forked % (SLOTS - SENTINEL - 1)
        else:
            self._slot = SENTINEL
        self._is_busy[self._slot] = 0
        self._processes[self._slot] = os.getpid()

    def _spawned(self, **_signal: object) -> None:
        self.note(Sign.SPAWNED)

    def _taken(self, **_signal: object) -> None:
        self._is_busy[self._slot] = 1
        self.note(Sign.TAKEN)

    def _finished(self, **_signal: object) -> None:
        self._is_busy[self._slot] = 0
        self.note(Sign.FINISHED)

    def _stored(self, task: dict[str, Any], **_signal: object) -> None:
        self.note(Sign.STORED)
        if task["name"] == HEARTBEAT:
            self.note(Sign.RETURNED)


class WatchedBroker:
    """The configured broker; it also puts heartbeats in and notes when it was asked."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._broker: Any = None
        self._published = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner(), name)

    def dequeue(self) -> list[tuple[object, str]]:
        """Take what waits, and a heartbeat if one is due."""
        tasks = self._noting(self._inner().dequeue) or []
        if self._activity.is_heartbeat_due():
            self._activity.note(Sign.ISSUED)
            tasks = [*tasks, (HEARTBEAT, heartbeat_package())]
        return tasks

    def acknowledge(self, task_id: object) -> object:
        """Remove a task that was done; a heartbeat is stored nowhere."""
        if task_id == HEARTBEAT:
            return None
        return self._noting(lambda: self._inner().acknowledge(task_id))

    def set_stat(self, key: str, value: str, timeout: int) -> object:
        """Publish what the sentinel says of the cluster, and the heartbeat beside it."""
        self._activity.note(Sign.GUARDED)
        now = time.monotonic()
        if now - self._published >= PUBLISH_EVERY_S:
            self._published = now
            heartbeat = {
                "age": now - self._activity[Sign.RETURNED],
                "stalled": self._activity[Sign.STALLED_FOR],
                "is_overdue": self._activity[Sign.STALLED_FOR] > self._activity.timeout / 2,
            }
            self._inner().cache.set(_heartbeat_key(key), heartbeat, PUBLISHED_FOR_S)
        return self._inner().set_stat(key, value, timeout)

    def _inner(self) -> Any:
        """Return the broker, made by the first process that asks, which is the sentinel."""
        if self._broker is None:
            self._broker = get_broker()
        return self._broker

    def _noting(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception:
            self._activity.note(Sign.BROKER_FAILED)
            raise


def heartbeat_package() -> str:
    """Return the heartbeat as a task of django-q; its result is not kept."""
    task = {
        "id": uuid4().hex,
        "name": HEARTBEAT,
        "func": f"{__name__}.{heartbeat.__name__}",
        "args": (),
        "kwargs": {},
        "save": False,
        "started": timezone.now(),
    }
    package: str = SignedPackage.dumps(task)
    return package


def heartbeat() -> None:
    """Do nothing: that a worker came to it is what counts."""


def heartbeat_of(stat: Any) -> dict[str, Any]:
    """Return what a cluster last published of its heartbeat; empty while it starts."""
    published: dict[str, Any] | None = get_broker().cache.get(
        _heartbeat_key(stat.get_key(stat.cluster_id))
    )
    return published or {}


def _heartbeat_key(stat_key: str) -> str:
    return f"{stat_key}:heartbeat"

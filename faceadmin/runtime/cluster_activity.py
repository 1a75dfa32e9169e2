"""Shared activity record of one queue cluster's processes, and the cluster's heartbeat task.

The record is in shared memory without a lock, because a killed process would never release it.
Times are from the machine's monotonic clock, which is the same in all processes.

The process that takes tasks from the broker adds the heartbeat after the broker has answered. So
each of several clusters tests itself, and nothing is stored.
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
SENTINEL = 1  # slot of the sentinel; the process that created the record has slot 0
SLOTS = 1024  # upper bound of concurrent processes; a slot is reused after this many starts
PUBLISH_EVERY_S = 2.0
PUBLISHED_FOR_S = 15


class Sign(IntEnum):
    """Events of a cluster; the record has the time of the last one of each kind."""

    SPAWNED = 0  # a worker started
    GUARDED = 1  # the sentinel checked its processes
    ISSUED = 2  # a heartbeat was added to the tasks
    RETURNED = 3  # the result of a heartbeat arrived
    TAKEN = 4  # a worker took a task of any kind
    FINISHED = 5  # a worker finished a task
    STORED = 6  # the monitor stored a result
    BROKER_FAILED = 7
    STALLED_FOR = 8  # seconds, written by the watch; not a time


class Activity:
    """The shared record of one cluster; create it before the processes are forked."""

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
        """Record an event at the current time, or a given value."""
        self._times[sign] = time.monotonic() if value is None else value

    def record(self) -> None:
        """Register the hooks by which processes forked from now on write to the record."""
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
        """Kill the cluster's processes: while they wait for a lock, SIGTERM has no effect."""
        for slot in self.states():
            with suppress(ProcessLookupError):
                os.kill(self._processes[slot], signal.SIGKILL)

    def are_all_busy(self) -> bool:
        """Return whether every worker executes a task, so that the next task has to wait."""
        busy = [slot for slot, state in self.states().items() if self._is_busy[slot]]
        return len(busy) >= self._workers

    def is_heartbeat_due(self) -> bool:
        """Return whether to add a heartbeat: one at a time, and only if a worker is free.

        A heartbeat that was lost with a killed process is replaced after a pause.
        """
        is_outstanding = self[Sign.ISSUED] > self[Sign.RETURNED]
        pause = self.timeout / (4 if is_outstanding else 6)
        return time.monotonic() - self[Sign.ISSUED] >= pause and not self.are_all_busy()

    def _before_fork(self) -> None:
        if self._slot == SENTINEL:
            self._forked += 1

    def _after_fork(self) -> None:
        """Take a slot: the first process forks the sentinel, which forks all others."""
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
    """The configured broker, extended by heartbeats and by recording its failures."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._broker: Any = None
        self._published = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner(), name)

    def dequeue(self) -> list[tuple[object, str]]:
        """Take queued tasks, and a heartbeat if one is due."""
        tasks = self._noting(self._inner().dequeue) or []
        if self._activity.is_heartbeat_due():
            self._activity.note(Sign.ISSUED)
            tasks = [*tasks, (HEARTBEAT, heartbeat_package())]
        return tasks

    def acknowledge(self, task_id: object) -> object:
        """Remove a finished task; a heartbeat is not stored in the broker."""
        if task_id == HEARTBEAT:
            return None
        return self._noting(lambda: self._inner().acknowledge(task_id))

    def set_stat(self, key: str, value: str, timeout: int) -> object:
        """Publish the sentinel's status of the cluster, and the age of the heartbeat."""
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
        """Return the broker, created on first use, which is in the sentinel."""
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
    """Return the heartbeat as a signed task of django-q; its result is not stored."""
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
    """Do nothing: its execution by a worker is the signal."""


def heartbeat_of(stat: Any) -> dict[str, Any]:
    """Return the heartbeat that a cluster last published; empty while it starts."""
    published: dict[str, Any] | None = get_broker().cache.get(
        _heartbeat_key(stat.get_key(stat.cluster_id))
    )
    return published or {}


def _heartbeat_key(stat_key: str) -> str:
    return f"{stat_key}:heartbeat"

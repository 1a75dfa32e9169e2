"""Run a queue cluster, watch it from outside, and end it when it stalls.

The parent restarts this process: the launcher, or the restart policy of a container.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess

from django.conf import settings
from django_q.cluster import Cluster

from faceadmin.runtime.cluster_activity import Activity, Sign, WatchedBroker
from faceadmin.runtime.exit_codes import CommandFailed
from faceadmin.runtime.task_pipe import use_task_pipe

POLL_S = 0.5
START_S = 80  # less than the launcher's limit, so that the error message gets into the log


@dataclass(frozen=True)
class Stall:
    """How long an expected event has been missing, and a sentence that describes it."""

    seconds: float
    sentence: str


class Watch:
    """Detects stalls from a cluster's activity record; call ``check`` at short intervals."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._checked = self._fresh = time.monotonic()
        self._worker_free_since = self._running_seen = self._results_seen = self._fresh
        self._stored = 0.0

    def check(self) -> Stall:
        """Return the longest stall, and write its length to the activity record."""
        now = time.monotonic()
        if now - self._checked > self._activity.timeout / 4:
            self._fresh = now  # this process itself was suspended, and possibly the others too
        self._checked = now
        self._excuse(now)
        stall = max(self._missing(now), key=lambda one: one.seconds)
        self._activity.note(Sign.STALLED_FOR, stall.seconds)
        return stall

    def _excuse(self, now: float) -> None:
        """Reset the times from which a stall counts, where silence is legitimate."""
        activity = self._activity
        if activity.are_all_busy():
            self._worker_free_since = now
        if "T" not in activity.states().values():
            self._running_seen = now
        stored = activity[Sign.STORED]
        if stored >= activity[Sign.FINISHED] or stored != self._stored:
            self._results_seen = now
        self._stored = stored

    def _missing(self, now: float) -> Iterator[Stall]:
        signs, failed = self._activity, self._activity[Sign.BROKER_FAILED]
        for since, sentence in (
            (
                max(signs[Sign.TAKEN], self._worker_free_since, failed),
                "The queue's workers have taken no task, not even a heartbeat",
            ),
            (max(self._results_seen, failed), "The results of the queue's tasks were not stored"),
            (signs[Sign.GUARDED], "The process that guards the queue's workers gave no sign"),
            (self._running_seen, "A process of the queue's workers has been stopped by a signal"),
        ):
            seconds = now - max(since, self._fresh)
            yield Stall(seconds, f"{sentence} for {seconds:.0f} s")


def run_cluster(*, say_alive: Callable[[], None]) -> None:
    """Take tasks until told to stop; raise CommandFailed when the cluster stalls.

    ``say_alive`` is called at short intervals once a worker has started.
    """
    activity = Activity(
        workers=settings.FACEADMIN_WORKERS, timeout=settings.QUEUE_HEARTBEAT_TIMEOUT
    )
    activity.record()
    use_task_pipe()
    cluster = Cluster(broker=WatchedBroker(activity))
    with _time_limit(START_S, activity):
        cluster.start()
    _watch(cluster.sentinel, activity, say_alive=say_alive)


@contextmanager
def _time_limit(seconds: int, activity: Activity) -> Iterator[None]:
    """Raise CommandFailed if a cluster does not start in time, e.g. because its database hangs."""

    def too_late(*_signal: object) -> None:
        activity.kill()
        raise CommandFailed(
            f"The queue's workers did not start within {seconds} s; check DATABASE_URL."
        )

    before = signal.signal(signal.SIGALRM, too_late)
    # Repeated: an exception that a handler raises is lost if it comes up in a __del__.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _watch(sentinel: BaseProcess, activity: Activity, *, say_alive: Callable[[], None]) -> None:
    watch = Watch(activity)
    while sentinel.is_alive():
        sentinel.join(POLL_S)
        stall = watch.check()
        if stall.seconds > activity.timeout:
            activity.kill()
            sentinel.join()
            raise CommandFailed(f"{stall.sentence}; the workers end and have to be started again.")
        if activity[Sign.SPAWNED]:
            say_alive()
    if sentinel.exitcode:
        raise CommandFailed(
            f"The process that guards the queue's workers ended with {sentinel.exitcode}."
        )

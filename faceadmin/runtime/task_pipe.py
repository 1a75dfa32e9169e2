"""The queue between the processes of a cluster, with locks that are released on a kill.

``multiprocessing.Queue`` guards its pipe by semaphores. A reader waits for the next task while it
owns the semaphore; if it is killed there, the semaphore is never released and all other readers
block for ever. A file lock belongs to an open file, and the kernel releases it when the process
ends.
"""

from __future__ import annotations

import fcntl
import os
import sys
from typing import Any

import django_q.cluster
from django_q.queues import Queue


class FileLock:
    """A lock between forked processes; the kernel releases it when the owner dies."""

    def __init__(self) -> None:
        self._memory = os.memfd_create("queue-lock")
        self._opened: tuple[int, int] | None = None

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002 - as multiprocessing calls it
        """Take the lock; ``timeout`` is not supported, because the queue never asks for one."""
        if timeout is not None:
            raise NotImplementedError("FileLock waits without a time limit only.")
        try:
            fcntl.flock(self._file(), fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Release the lock."""
        fcntl.flock(self._file(), fcntl.LOCK_UN)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()

    def _file(self) -> int:
        """Return an open file of this process only: forked descriptors would share the lock."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), os.open(f"/proc/self/fd/{self._memory}", os.O_RDWR)
        return self._opened[1]


class TaskPipe(Queue):  # type: ignore[misc]  # django-q has no types
    """django-q's queue of tasks or results, behind file locks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rlock, self._wlock = FileLock(), FileLock()


def use_task_pipe() -> None:
    """Make django-q clusters of this process use TaskPipe. No effect on other systems than Linux.

    django-q reads the class from its own module and has no setting for it.
    """
    if sys.platform == "linux":
        django_q.cluster.Queue = TaskPipe

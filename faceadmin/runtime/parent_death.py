"""Processes that end with their parent, even when the parent is killed.

``python parent_death.py PARENT COMMAND...`` becomes the command, which the kernel kills when the
process PARENT ends. ``tie_forks_to_parent`` does the same for later forks of the calling process.
Linux only (PR_SET_PDEATHSIG); no effect elsewhere. Imports only fast modules.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends; do it now if that has happened."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def tie_forks_to_parent() -> None:
    """Tie every process that this process forks, and their forks, to its own parent."""
    parents: list[int] = []

    def before() -> None:
        parents[:] = [os.getpid()]

    os.register_at_fork(before=before, after_in_child=lambda: die_with_parent(parents[0]))


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])

"""Process states from /proc. Linux only: elsewhere a living process counts as running."""

from __future__ import annotations

import os
from pathlib import Path

_ENDED = "ZX"


def process_state(process: int, *, group: int | None = None) -> str:
    """Return a living process's state, such as S or T (stopped); empty if it has ended.

    With ``group``, a process of another group counts as ended: its id was reused.
    """
    try:
        line = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _state_elsewhere(process)
    state, _parent, its_group = line.rpartition(")")[2].split()[:3]
    if state in _ENDED or (group is not None and int(its_group) != group):
        return ""
    return state


def is_process_stopped(process: int) -> bool:
    """Return whether a process was stopped by a signal (SIGSTOP) and not continued."""
    return process_state(process) == "T"


def _state_elsewhere(process: int) -> str:
    try:
        os.kill(process, 0)
    except OSError:
        return ""
    return "S"

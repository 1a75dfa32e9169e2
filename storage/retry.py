"""Retry with exponential back-off while a store restarts. Only for idempotent operations."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0

Answer = TypeVar("Answer")


def retry(
    ask: Callable[[], Answer],
    *,
    is_away: Callable[[Exception], bool],
    patience: float,
    pause: Callable[[float], None] = time.sleep,
) -> Answer:
    """Return the result of `ask`; raise its last error after retrying for `patience` seconds."""
    give_up = time.monotonic() + patience
    wait = FIRST_PAUSE_S
    while True:
        try:
            return ask()
        except Exception as error:
            if not is_away(error) or time.monotonic() + wait > give_up:
                raise
        pause(wait)
        wait = min(2 * wait, LONGEST_PAUSE_S)

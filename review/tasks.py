"""Queue tasks of erasures."""

from __future__ import annotations

from review.people.replay_erasures import sweep_erasures


def erasures_sweep() -> int:
    """Finish interrupted and waiting erasures, and replay logged ones without a tombstone."""
    return sweep_erasures()

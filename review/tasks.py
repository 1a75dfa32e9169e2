"""The queue's side of erasures."""

from __future__ import annotations

from review.people.replay_erasures import sweep_erasures


def erasures_sweep() -> int:
    """Finish erasures that were cut short or wait for an import, and replay unknown ones."""
    return sweep_erasures()

"""Times as clients read them."""

from __future__ import annotations

from datetime import datetime


def format_time(moment: datetime) -> str:
    """Return a time as UTC ISO 8601 with Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_time_or_null(moment: datetime | None) -> str | None:
    """Return a time, or nothing for what has not happened yet."""
    return None if moment is None else format_time(moment)

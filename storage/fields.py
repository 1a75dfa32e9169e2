"""Document fields that behave the same on every document store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mongoengine.base import BaseField


class TimestampField(BaseField):
    """A UTC timestamp with milliseconds, stored as ISO 8601 text, which sorts chronologically.

    The embedded store formats a date set by an update differently from an inserted one, so dates
    are always stored as text of one format.
    """

    def to_mongo(self, value: Any, *_args: Any, **_kwargs: Any) -> str | None:
        """Return the stored text."""
        if value is None or isinstance(value, str):
            return value
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return str(text).replace("+00:00", "Z")

    def to_python(self, value: Any) -> datetime | None:
        """Return a timezone-aware datetime."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value

    def prepare_query_value(self, _operator: str, value: Any) -> str | None:
        """Return the stored text, for queries and updates."""
        return self.to_mongo(value)

    def validate(self, value: Any, **_kwargs: Any) -> None:
        """Raise ValidationError for anything but a timezone-aware datetime."""
        if not isinstance(value, datetime) or value.tzinfo is None:
            self.error("a moment with a time zone is needed")

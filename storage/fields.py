"""Fields of documents that behave alike on every document store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mongoengine.base import BaseField


class TimestampField(BaseField):
    """A moment in UTC to the millisecond, kept as ISO 8601 text, which sorts as time does.

    The embedded store turns a date set by an update into text of another shape than a date that is
    inserted, so dates are text of one shape from the start.
    """

    def to_mongo(self, value: Any, *_args: Any, **_kwargs: Any) -> str | None:
        """Return what is stored."""
        if value is None or isinstance(value, str):
            return value
        text = value.astimezone(UTC).isoformat(timespec="milliseconds")
        return str(text).replace("+00:00", "Z")

    def to_python(self, value: Any) -> datetime | None:
        """Return what the product works with."""
        return datetime.fromisoformat(value) if isinstance(value, str) else value

    def prepare_query_value(self, _operator: str, value: Any) -> str | None:
        """Return what is compared in a query, and set by an update."""
        return self.to_mongo(value)

    def validate(self, value: Any, **_kwargs: Any) -> None:
        """Refuse anything but a moment with a time zone."""
        if not isinstance(value, datetime) or value.tzinfo is None:
            self.error("a moment with a time zone is needed")

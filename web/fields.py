"""Fields of requests that refuse what the framework's own let through."""

from __future__ import annotations

import math
from typing import Any

from rest_framework import serializers


class FiniteField(serializers.FloatField):
    """A number; NaN and infinities are none."""

    default_error_messages = {"not_finite": "A finite number is needed."}  # noqa: RUF012 - the framework's

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool):
            self.fail("invalid")
        number = float(super().to_internal_value(data))
        if not math.isfinite(number):
            self.fail("not_finite")
        return number

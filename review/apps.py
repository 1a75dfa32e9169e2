"""Django app of the reviewer."""

from __future__ import annotations

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Connects the receivers of signals."""

    name = "review"

    def ready(self) -> None:
        """Connect the receivers."""
        from review import receivers  # noqa: F401 - importing it connects them

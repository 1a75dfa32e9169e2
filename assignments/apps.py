"""The app of which profile a cluster belongs to."""

from __future__ import annotations

from django.apps import AppConfig


class AssignmentsConfig(AppConfig):
    """Register the app."""

    name = "assignments"

    def ready(self) -> None:
        """Listen to the other floors."""
        from assignments import receivers  # noqa: F401 - connected by being imported

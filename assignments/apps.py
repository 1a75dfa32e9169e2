"""Django app of assignments."""

from __future__ import annotations

from django.apps import AppConfig


class AssignmentsConfig(AppConfig):
    """Register the app."""

    name = "assignments"

    def ready(self) -> None:
        """Connect the receivers."""
        from assignments import receivers  # noqa: F401 - connected by being imported

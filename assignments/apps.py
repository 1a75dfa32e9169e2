"""The app of which profile a cluster belongs to."""

from __future__ import annotations

from django.apps import AppConfig


class AssignmentsConfig(AppConfig):
    """Register the app."""

    name = "assignments"

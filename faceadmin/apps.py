"""App config of the project's own app: commands, health, processes."""

from __future__ import annotations

from django.apps import AppConfig


class FaceadminConfig(AppConfig):
    """Register the app."""

    name = "faceadmin"

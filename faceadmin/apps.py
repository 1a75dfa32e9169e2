"""The project's own app: commands, health, the processes it runs as."""

from __future__ import annotations

from django.apps import AppConfig


class FaceadminConfig(AppConfig):
    """Register the app."""

    name = "faceadmin"

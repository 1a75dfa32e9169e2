"""App config of profiles, the known people."""

from __future__ import annotations

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    """Register the app."""

    name = "profiles"

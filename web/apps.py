"""App config of web, which stores the API keys."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Register the app."""

    name = "web"
    verbose_name = "API keys"

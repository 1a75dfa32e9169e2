"""The app that turns buckets into faces and clusters."""

from __future__ import annotations

from django.apps import AppConfig


class ClusteringConfig(AppConfig):
    """Register the app."""

    name = "clustering"

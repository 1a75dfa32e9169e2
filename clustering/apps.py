"""Configuration of the clustering app."""

from __future__ import annotations

from django.apps import AppConfig


class ClusteringConfig(AppConfig):
    """App config of clustering."""

    name = "clustering"

"""Configuration of the storage app; registers the document store with mongoengine."""

from __future__ import annotations

from django.apps import AppConfig


class StorageConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """App config of storage."""

    name = "storage"

    def ready(self) -> None:
        """Register the MongoDB connection; it is opened at the first query."""
        from storage.mongo import register_mongo

        register_mongo()

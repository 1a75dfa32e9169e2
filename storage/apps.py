"""Tell Django of the storage floor, and mongoengine where the documents are."""

from __future__ import annotations

from django.apps import AppConfig


class StorageConfig(AppConfig):  # type: ignore[misc]  # Django has no types
    """Register the connection of the documents; nothing is opened yet."""

    name = "storage"

    def ready(self) -> None:
        """Name the document store, so that the first query knows whom to ask."""
        from storage.mongo import register_mongo

        register_mongo()

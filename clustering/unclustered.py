"""Folders of photos that have not been clustered yet."""

from __future__ import annotations

from dataclasses import dataclass

from clustering.selectors import list_collections
from storage.buckets import list_bucket_names, open_bucket
from storage.errors import StorageError

SHOWN = 50


@dataclass(frozen=True)
class UnclusteredFolders:
    """Paths that could be clustered next, or the reason why they cannot be listed."""

    paths: list[str]
    trouble: str = ""


def list_unclustered_folders() -> UnclusteredFolders:
    """Return the first-level folders of all buckets without a collection, up to SHOWN."""
    known = {collection.path for collection in list_collections()}
    paths: list[str] = []
    try:
        for bucket in list_bucket_names():
            found = (prefix.strip("/") for prefix in open_bucket(bucket).prefixes())
            paths += [path for sub in found if (path := f"{bucket}/{sub}") not in known]
            if len(paths) >= SHOWN:
                break
    except StorageError as trouble:
        return UnclusteredFolders([], str(trouble))
    return UnclusteredFolders(paths[:SHOWN])

"""Face vectors: on a Qdrant server or in the embedded store."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from storage.vectors.base import Hit, VectorStore, Where
from storage.vectors.embedded.client import embedded_vectors

__all__ = ["Hit", "VectorStore", "Where", "face_vector_store"]


def face_vector_store() -> VectorStore:
    """Return this process's configured store of face vectors, without connecting."""
    if not settings.QDRANT_URL:
        return _embedded(str(settings.QDRANT_SOCKET))
    return _server(settings.QDRANT_URL, settings.QDRANT_API_KEY, os.getpid())


@lru_cache(maxsize=4)
def _embedded(socket: str) -> VectorStore:
    return embedded_vectors(Path(socket))


@lru_cache(maxsize=4)
def _server(url: str, api_key: str, _pid: int) -> VectorStore:
    # The import takes a second. The pid is part of the cache key: a forked child needs its own
    # connections.
    from storage.vectors.qdrant import qdrant_vectors

    return qdrant_vectors(url, api_key)

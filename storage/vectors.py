"""Where the vectors of faces are: on a Qdrant server, or in the embedded store."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from storage.edge.client import EdgeVectors
from storage.vector_store import Hit, VectorStore, Where

__all__ = ["Hit", "VectorStore", "Where", "face_vectors"]


def face_vectors() -> VectorStore:
    """Return this process's store of face vectors, as the settings name it; ask nothing yet."""
    if not settings.QDRANT_URL:
        return _embedded(str(settings.QDRANT_SOCKET))
    return _server(settings.QDRANT_URL, settings.QDRANT_API_KEY, os.getpid())


@lru_cache(maxsize=4)
def _embedded(socket: str) -> VectorStore:
    return EdgeVectors(Path(socket))


@lru_cache(maxsize=4)
def _server(url: str, api_key: str, _pid: int) -> VectorStore:
    # A second to import, and a forked child must not share its parent's connections.
    from storage.vector_server import server_vectors

    return server_vectors(url, api_key)

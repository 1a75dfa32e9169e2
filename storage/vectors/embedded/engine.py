"""Shards of the embedded engine, one per model. Used in the server process only.

The engine is thread-safe and releases the GIL while it works (measured), so only opening and
closing shards needs a lock. A write is in the engine's log when `update` returns and survives a
SIGKILL; after `flush` it survives a crash of the host.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from storage.errors import InvalidVectors, disk_full
from storage.vectors.base import FACET_LIMIT, INDEXED_FIELDS, Alternatives, Page
from storage.vectors.checks import (
    check_filter,
    check_payload,
    check_vector,
    check_vectors,
    collection_name,
    wrong_dimension,
)
from storage.vectors.embedded.protocol import IDS_PER_CALL, VECTORS_PER_CALL

logger = logging.getLogger(__name__)

ROOM_BYTES = 128 << 20  # the engine maps its files: on a full disk it would crash, not raise
_NEVER_INDEX_KB = 1 << 40  # an exact scan of 50,000 takes 6 ms; building an index 85 s


@dataclass(frozen=True)
class _Shard:
    points: edge.EdgeShard
    dimension: int  # not available from the engine, so it is part of the folder's name


class Engine:
    """All shards in a folder, each opened once: the driver behind the server.

    It checks its arguments too, because they come from other processes.
    """

    vectors_per_call = VECTORS_PER_CALL
    ids_per_call = IDS_PER_CALL

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.Lock()
        self._shards: dict[str, _Shard] = {}
        self._unflushed = threading.Event()
        self.is_closed = False
        for path in sorted(folder.glob("faces_*@*")):
            name, _, dimension = path.name.rpartition("@")
            self._shards[name] = _Shard(edge.EdgeShard.load(str(path)), int(dimension))

    def create(self, model: str, dimension: int) -> None:
        """Create the model's shard with indexes, unless it exists."""
        name = collection_name(model)
        with self._opening:
            if name not in self._shards:
                path = self._folder / f"{name}@{dimension}"
                self._shards[name] = _Shard(_shard_create(path, dimension), dimension)

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a shard."""
        shard = self._shards.get(collection_name(model))
        return None if shard is None else shard.dimension

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""
        table, shard = check_vectors(ids, vectors, payloads), self._shard(model)
        if shard.dimension != table.shape[1]:
            raise wrong_dimension(stored=shard.dimension, given=table.shape[1])
        points = [
            edge.Point(one, vector, dict(payload))
            for one, vector, payload in zip(ids, table, payloads, strict=True)
        ]
        self._update(shard, edge.UpdateOperation.upsert_points(points))

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing points; other fields are kept."""
        check_payload(payload)
        # With a plain list of ids the engine stops at the first missing one.
        there = edge.Filter(must=[edge.HasIdCondition(set(ids))])
        operation = edge.UpdateOperation.set_payload_by_filter(there, dict(payload))
        self._update(self._shard(model), operation)

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove points; missing ones are ignored."""
        self._update(self._shard(model), edge.UpdateOperation.delete_points(list(ids)))

    def retrieve(self, model: str, ids: Sequence[str]) -> Page:
        """Return the vectors of the existing ids."""
        shard = self._shard(model)
        found = shard.points.retrieve(list(ids), False, True)  # noqa: FBT003  # positional
        return _page(found, None, dimension=shard.dimension, with_vectors=True)

    def scroll(
        self, model: str, where: Alternatives, *, offset: str | None, limit: int, with_vectors: bool
    ) -> Page:
        """Return a page of matching points in the order of their ids."""
        shard = self._shard(model)
        request = edge.ScrollRequest(
            offset=offset,
            limit=limit,
            filter=_filter(where),
            with_payload=not with_vectors,
            with_vector=with_vectors,
        )
        found, following = shard.points.scroll(request)
        return _page(found, following, dimension=shard.dimension, with_vectors=with_vectors)

    def search(
        self, model: str, vectors: NDArray[np.float32], where: Alternatives, *, limit: int
    ) -> list[tuple[str, float, dict[str, str]]]:
        """Return (id, cosine, payload) of the points nearest to one vector (1, d)."""
        shard = self._shard(model)
        query = check_vector(vectors.reshape(-1), dimension=shard.dimension)
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(query),  # type: ignore[arg-type]  # takes arrays
            filter=_filter(where),
            with_payload=True,
        )
        return [(str(hit.id), hit.score, hit.payload or {}) for hit in shard.points.query(request)]

    def count(self, model: str, where: Alternatives) -> int:
        """Return the number of matching points."""
        request = edge.CountRequest(exact=True, filter=_filter(where))
        return int(self._shard(model).points.count(request))

    def facet(self, model: str, field: str, where: Alternatives) -> dict[str, int]:
        """Return the number of matching points per value of an indexed field."""
        request = edge.FacetRequest(field, limit=FACET_LIMIT, exact=True, filter=_filter(where))
        return {str(hit.value): hit.count for hit in self._shard(model).points.facet(request)}

    def ping(self) -> None:
        """Return: the process answers."""

    def flush(self) -> None:
        """Flush the writes since the last flush to disk."""
        if self._unflushed.is_set():
            self._unflushed.clear()
            for shard in list(self._shards.values()):
                shard.points.flush()

    def close(self) -> None:
        """Flush and close all shards."""
        with self._opening:
            self.is_closed = True
            while self._shards:
                _, shard = self._shards.popitem()
                shard.points.flush()
                shard.points.close()

    def _shard(self, model: str) -> _Shard:
        name = collection_name(model)
        if name not in self._shards:
            raise InvalidVectors(f"There is no collection of vectors of {model}.")
        return self._shards[name]

    def _update(self, shard: _Shard, operation: edge.UpdateOperation) -> None:
        if shutil.disk_usage(self._folder).free < ROOM_BYTES:
            raise disk_full("qdrant")
        shard.points.update(operation)
        self._unflushed.set()


def _shard_create(path: Path, dimension: int) -> edge.EdgeShard:
    """Create a shard in a scratch folder and rename it, so that a kill leaves no partial shard."""
    scratch = path.with_name(f"new.{path.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    config = edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine),
        optimizers=edge.EdgeOptimizersConfig(indexing_threshold=_NEVER_INDEX_KB),
    )
    shard = edge.EdgeShard.create(str(scratch), config)
    for field in INDEXED_FIELDS:
        keyword = edge.PayloadSchemaType.Keyword
        shard.update(edge.UpdateOperation.create_field_index(field, keyword))
    shard.flush()
    shard.close()
    scratch.rename(path)
    logger.info("Made the collection %s of dimension %d", path.name, dimension)
    return edge.EdgeShard.load(str(path))


def _filter(where: Alternatives) -> edge.Filter:
    return edge.Filter(
        must=[
            edge.FieldCondition(field, match=edge.MatchAny(values))
            for field, values in check_filter(where).items()
        ]
    )


def _page(found: Sequence[Any], following: object, *, dimension: int, with_vectors: bool) -> Page:
    ids, offset = (
        [str(record.id) for record in found],
        None if following is None else str(following),
    )
    if not with_vectors:
        return Page(ids, payloads=[record.payload or {} for record in found], next=offset)
    table = np.asarray([record.vector for record in found], np.float32)
    return Page(ids, vectors=table.reshape(-1, dimension), next=offset)

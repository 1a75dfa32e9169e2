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

from storage.errors import disk_full
from storage.vectors.base import (
    FACET_LIMIT,
    INDEXED_FIELDS,
    check_dimension,
    check_filter,
    check_payload,
    check_vector,
    check_vectors,
    collection_name,
    compare_dimension,
    known_ids,
    wrong_dimension,
)

logger = logging.getLogger(__name__)

ROOM_BYTES = 128 << 20  # the engine maps its files: on a full disk it would crash, not raise
_NEVER_INDEX_KB = 1 << 40  # an exact scan of 50,000 takes 6 ms; building an index 85 s


@dataclass(frozen=True)
class _Shard:
    points: edge.EdgeShard
    dimension: int  # not available from the engine, so it is part of the folder's name


@dataclass(frozen=True)
class Page:
    """A page of points of a collection; ``next`` is the offset of the next page."""

    ids: list[str]
    payloads: list[dict[str, str]]
    vectors: NDArray[np.float32]  # (n, d); (0, d) unless asked for
    next: str | None


class Engine:
    """All shards in a folder, each opened once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opening = threading.Lock()
        self._shards: dict[str, _Shard] = {}
        self._unflushed = threading.Event()
        self.is_closed = False
        for path in sorted(folder.glob("faces_*@*")):
            name, _, dimension = path.name.rpartition("@")
            self._shards[name] = _Shard(edge.EdgeShard.load(str(path)), int(dimension))

    def ensure(self, model: str, dimension: int) -> None:
        """Create the model's shard, or compare its dimension; raise ModelMismatch."""
        check_dimension(dimension)
        name = collection_name(model)
        with self._opening:
            if name not in self._shards:
                path = self._folder / f"{name}@{dimension}"
                self._shards[name] = _Shard(_shard_create(path, dimension), dimension)
        compare_dimension(model, stored=self._shards[name].dimension, wanted=dimension)

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a shard."""
        shard = self._shard(model)
        return None if shard is None else shard.dimension

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads."""
        table = check_vectors(ids, vectors, payloads)
        shard = self._shard(model)
        if shard is not None and shard.dimension != table.shape[1]:
            raise wrong_dimension(stored=shard.dimension, given=table.shape[1])
        self.ensure(model, table.shape[1])
        points = [
            edge.Point(one, vector, dict(payload))
            for one, vector, payload in zip(ids, table, payloads, strict=True)
        ]
        self._update(model, edge.UpdateOperation.upsert_points(points))

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing points."""
        check_payload(payload)
        shard, known = self._shard(model), known_ids(ids)
        if shard is None or not known:
            return
        # With a plain list of ids the engine stops at the first missing one.
        there = edge.Filter(must=[edge.HasIdCondition(set(known))])
        self._update(model, edge.UpdateOperation.set_payload_by_filter(there, dict(payload)))

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove points."""
        shard, known = self._shard(model), known_ids(ids)
        if shard is not None and known:
            self._update(model, edge.UpdateOperation.delete_points(list(known)))

    def retrieve(self, model: str, ids: Sequence[str]) -> Page:
        """Return the vectors of the existing ids."""
        shard = self._shard(model)
        if shard is None:
            return _empty_page()
        found = shard.points.retrieve(list(known_ids(ids)), False, True)  # noqa: FBT003  # positional
        return _page(found, None, dimension=shard.dimension)

    def scroll(
        self,
        model: str,
        where: Mapping[str, Sequence[str]],
        *,
        offset: str | None,
        limit: int,
        vectors: bool,
    ) -> Page:
        """Return a page of matching points in the order of their ids."""
        shard = self._shard(model)
        if shard is None:
            return _empty_page()
        request = edge.ScrollRequest(
            offset=offset,
            limit=limit,
            filter=_filter(where),
            with_payload=not vectors,
            with_vector=vectors,
        )
        found, following = shard.points.scroll(request)
        return _page(found, following, dimension=shard.dimension)

    def search(
        self,
        model: str,
        vector: NDArray[np.float32],
        where: Mapping[str, Sequence[str]],
        *,
        limit: int,
    ) -> list[tuple[str, float, dict[str, str]]]:
        """Return (id, cosine similarity, payload) of the points nearest to a vector (d,)."""
        shard = self._shard(model)
        if shard is None:
            return []
        query = check_vector(vector, dimension=shard.dimension)
        request = edge.QueryRequest(
            limit=limit,
            query=edge.Query.Nearest(query),  # type: ignore[arg-type]  # takes arrays
            filter=_filter(where),
            with_payload=True,
        )
        return [(str(hit.id), hit.score, hit.payload or {}) for hit in shard.points.query(request)]

    def count(self, model: str, where: Mapping[str, Sequence[str]]) -> int:
        """Return the number of matching points."""
        shard = self._shard(model)
        if shard is None:
            return 0
        return int(shard.points.count(edge.CountRequest(exact=True, filter=_filter(where))))

    def facet(self, model: str, field: str, where: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """Return the number of matching points per value of an indexed field."""
        shard = self._shard(model)
        if shard is None:
            return {}
        request = edge.FacetRequest(field, limit=FACET_LIMIT, exact=True, filter=_filter(where))
        return {str(hit.value): hit.count for hit in shard.points.facet(request)}

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

    def _shard(self, model: str) -> _Shard | None:
        return self._shards.get(collection_name(model))

    def _update(self, model: str, operation: edge.UpdateOperation) -> None:
        if shutil.disk_usage(self._folder).free < ROOM_BYTES:
            raise disk_full("qdrant")
        self._shards[collection_name(model)].points.update(operation)
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


def _filter(where: Mapping[str, Sequence[str]]) -> edge.Filter:
    return edge.Filter(
        must=[
            edge.FieldCondition(field, match=edge.MatchAny(values))
            for field, values in check_filter(where).items()
        ]
    )


def _empty_page() -> Page:
    return Page([], [], np.zeros((0, 1), np.float32), None)


def _page(found: Sequence[Any], following: object, *, dimension: int) -> Page:
    vectors = [record.vector for record in found if record.vector is not None]
    return Page(
        ids=[str(record.id) for record in found],
        payloads=[record.payload or {} for record in found],
        vectors=np.asarray(vectors, np.float32).reshape(-1, dimension),
        next=None if following is None else str(following),
    )

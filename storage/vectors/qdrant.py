"""Face vectors on a Qdrant server. The only module that imports qdrant_client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from storage.errors import StorageError, store_unavailable, unavailable_from
from storage.retry import retry
from storage.vectors.base import (
    FACET_LIMIT,
    INDEXED_FIELDS,
    Hit,
    Where,
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

TIMEOUT_S = 30
PING_TIMEOUT_S = 3
PATIENCE_S = 10.0
UPSERT_BATCH = 500  # 5 MB of JSON at 512 values each; the server rejects 32 MB
IDS_BATCH = 1000

Answer = TypeVar("Answer")
_DRIVER_ERRORS = (ApiException, httpx.HTTPError)


class QdrantVectors:
    """A Qdrant server over HTTP."""

    def __init__(self, client: QdrantClient, *, patience: float = PATIENCE_S) -> None:
        self._client = client
        self._patience = patience
        self._dimensions: dict[str, int] = {}  # of collections that are known to exist

    def ensure(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes; raise ModelMismatch for another dimension."""
        check_dimension(dimension)
        name = collection_name(model)
        if self.dimension(model) is None:
            self._ask(lambda: self._create(name, dimension))
        compare_dimension(model, stored=self.dimension(model) or 0, wanted=dimension)
        self._ask(lambda: self._index(name))

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""
        name = collection_name(model)
        if name not in self._dimensions:
            size = self._ask(lambda: self._size(name))
            if size is None:
                return None
            self._dimensions[name] = size
        return self._dimensions[name]

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""
        table = check_vectors(ids, vectors, payloads)
        stored = self.dimension(model)
        if stored is None:
            self.ensure(model, table.shape[1])
        elif stored != table.shape[1]:
            raise wrong_dimension(stored=stored, given=table.shape[1])
        for some in _slices(len(ids), UPSERT_BATCH):
            batch = models.Batch(
                ids=list(ids[some]),
                vectors=table[some].tolist(),
                payloads=[dict(payload) for payload in payloads[some]],
            )
            self._write("upsert", model, points=batch)

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""
        check_payload(payload)
        known = known_ids(ids)
        if self.dimension(model) is None:
            return
        for some in _slices(len(known), IDS_BATCH):
            # With a plain list of ids the server stops at the first missing one.
            there = models.Filter(must=[models.HasIdCondition(has_id=list(known[some]))])
            self._write("set_payload", model, payload=dict(payload), points=there)

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""
        known = known_ids(ids)
        if self.dimension(model) is None:
            return
        for some in _slices(len(known), IDS_BATCH):
            chosen = models.PointIdsList(points=list(known[some]))
            self._write("delete", model, points_selector=chosen)

    def retrieve(self, model: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors (d,) by id; missing ids are left out."""
        known = known_ids(ids)
        found: dict[str, NDArray[np.float32]] = {}
        if self.dimension(model) is None:
            return found
        for some in _slices(len(known), IDS_BATCH):
            options = {"ids": known[some], "with_payload": False, "with_vectors": True}
            for record in self._read("retrieve", model, **options):
                found[str(record.id)] = np.asarray(record.vector, np.float32)
        return found

    def iter_vectors(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Yield ids and vectors (b, d), in batches."""
        for page in self._pages(model, where, batch=batch, vectors=True):
            table = np.asarray([record.vector for record in page], np.float32)
            yield [str(record.id) for record in page], table

    def iter_payloads(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[list[tuple[str, dict[str, str]]]]:
        """Yield ids and payloads, in batches."""
        for page in self._pages(model, where, batch=batch, vectors=False):
            yield [(str(record.id), record.payload or {}) for record in page]

    def search(
        self, model: str, vector: NDArray[np.float32], *, limit: int, where: Where
    ) -> list[Hit]:
        """Return up to ``limit`` faces nearest to a vector (d,), the most similar first."""
        dimension, wanted = self.dimension(model), _filter(where)
        if dimension is None or wanted is None:
            return []
        query = check_vector(vector, dimension=dimension).tolist()
        options = {"query": query, "query_filter": wanted, "limit": limit, "with_payload": True}
        return [
            Hit(
                id=str(point.id),
                similarity=max(-1.0, min(1.0, float(point.score))),
                payload=point.payload or {},
            )
            for point in self._read("query_points", model, **options).points
        ]

    def count(self, model: str, where: Where) -> int:
        """Return the number of matching faces."""
        wanted = _filter(where)
        if self.dimension(model) is None or wanted is None:
            return 0
        return int(self._read("count", model, count_filter=wanted, exact=True).count)

    def facet(self, model: str, field: str, where: Where) -> dict[str, int]:
        """Return the number of matching faces per value of an indexed field."""
        wanted = _filter(where)
        if self.dimension(model) is None or wanted is None:
            return {}
        options = {"key": field, "facet_filter": wanted, "limit": FACET_LIMIT, "exact": True}
        answer = self._read("facet", model, **options)
        return {str(hit.value): hit.count for hit in answer.hits}

    def ping(self) -> None:
        """Raise StoreUnavailable unless the server answers."""
        try:
            self._client.get_collections()
        except _DRIVER_ERRORS as error:
            raise _refusal(error) from error

    def _pages(self, model: str, where: Where, *, batch: int, vectors: bool) -> Iterator[list[Any]]:
        wanted = _filter(where)
        following: Any = None
        while self.dimension(model) is not None and wanted is not None:
            page, following = self._read(
                "scroll",
                model,
                scroll_filter=wanted,
                limit=batch,
                offset=following,
                with_payload=not vectors,
                with_vectors=vectors,
            )
            if page:
                yield page
            if following is None:
                return

    def _create(self, name: str, dimension: int) -> None:
        shape = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
        try:
            self._client.create_collection(name, vectors_config=shape)
        except UnexpectedResponse as error:
            if error.status_code != 409:  # created by another worker in the meantime
                raise

    def _index(self, name: str) -> None:
        there = self._client.get_collection(name).payload_schema
        for field in INDEXED_FIELDS:
            if field not in there:
                self._client.create_payload_index(
                    name, field, field_schema=models.PayloadSchemaType.KEYWORD
                )

    def _size(self, name: str) -> int | None:
        if not self._client.collection_exists(name):
            return None
        shape = self._client.get_collection(name).config.params.vectors
        if not isinstance(shape, models.VectorParams):
            raise StorageError(f"The collection {name} of the Qdrant server is not ours.")
        return shape.size

    def _read(self, method: str, model: str, **options: Any) -> Any:
        call = getattr(self._client, method)
        return self._ask(lambda: call(collection_name(model), **options))

    def _write(self, method: str, model: str, **options: Any) -> None:
        self._read(method, model, wait=True, **options)

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return retry(ask, is_away=_is_unavailable, patience=self._patience)
        except _DRIVER_ERRORS as error:
            self._dimensions.clear()  # a collection may have been dropped by another client
            raise _refusal(error) from error


def qdrant_vectors(url: str, api_key: str) -> QdrantVectors:
    """Return the vectors on the server at a URL, without connecting."""
    client = QdrantClient(
        url=url, api_key=api_key or None, timeout=TIMEOUT_S, check_compatibility=False
    )
    return QdrantVectors(client)


def _is_unavailable(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    if status is not None:
        return status >= 500 or status in {408, 429}
    return isinstance(error, _DRIVER_ERRORS)


def _refusal(error: Exception) -> StorageError:
    return unavailable_from(error) or store_unavailable("qdrant")


def _slices(total: int, size: int) -> Iterator[slice]:
    for first in range(0, total, size):
        yield slice(first, first + size)


def _filter(where: Where) -> models.Filter | None:
    """Return the filter as a Qdrant filter, None if it matches nothing."""
    wanted = check_filter(where)
    if not all(wanted.values()):
        return None
    return models.Filter(
        must=[
            models.FieldCondition(key=field, match=models.MatchAny(any=values))
            for field, values in wanted.items()
        ]
    )

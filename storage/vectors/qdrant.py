"""Face vectors on a Qdrant server. The only module that imports qdrant_client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import httpx
import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from storage.errors import StorageError, store_unavailable, unavailable_from
from storage.retry import retry
from storage.vectors.base import FACET_LIMIT, INDEXED_FIELDS, Alternatives, Page, VectorStore
from storage.vectors.checks import collection_name

TIMEOUT_S = 30
PING_TIMEOUT_S = 3
PATIENCE_S = 10.0
Answer = TypeVar("Answer")
_DRIVER_ERRORS = (ApiException, httpx.HTTPError)


class QdrantDriver:
    """A Qdrant server over HTTP."""

    vectors_per_call = 500  # 5 MB of JSON at 512 values each; the server rejects 32 MB
    ids_per_call = 1000

    def __init__(
        self,
        client: QdrantClient,
        *,
        ping_client: QdrantClient | None = None,
        patience: float = PATIENCE_S,
    ) -> None:
        self._client = client
        self._ping_client = ping_client or client
        self._patience = patience

    def create(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes, unless it exists."""
        name = collection_name(model)
        if self.dimension(model) is None:
            self._ask(lambda: self._create(name, dimension))
        self._ask(lambda: self._index(name))

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""
        return self._ask(lambda: self._size(collection_name(model)))

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""
        rows = [dict(payload) for payload in payloads]
        batch = models.Batch(ids=list(ids), vectors=vectors.tolist(), payloads=rows)
        self._write("upsert", model, points=batch)

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""
        # With a plain list of ids the server stops at the first missing one.
        there = models.Filter(must=[models.HasIdCondition(has_id=list(ids))])
        self._write("set_payload", model, payload=dict(payload), points=there)

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""
        self._write("delete", model, points_selector=models.PointIdsList(points=list(ids)))

    def retrieve(self, model: str, ids: Sequence[str]) -> Page:
        """Return the vectors of the existing ids."""
        options = {"ids": list(ids), "with_payload": False, "with_vectors": True}
        return _page(self._read("retrieve", model, **options), with_vectors=True)

    def scroll(
        self, model: str, where: Alternatives, *, offset: str | None, limit: int, with_vectors: bool
    ) -> Page:
        """Return a page of matching points in the order of their ids."""
        records, following = self._read(
            "scroll",
            model,
            scroll_filter=_filter(where),
            limit=limit,
            offset=offset,
            with_payload=not with_vectors,
            with_vectors=with_vectors,
        )
        return _page(records, following, with_vectors=with_vectors)

    def search(
        self, model: str, vectors: NDArray[np.float32], where: Alternatives, *, limit: int
    ) -> list[tuple[str, float, dict[str, str]]]:
        """Return (id, cosine, payload) of the points nearest to one vector (1, d)."""
        found = self._read(
            "query_points",
            model,
            query=vectors[0].tolist(),
            query_filter=_filter(where),
            limit=limit,
            with_payload=True,
        )
        return [(str(point.id), point.score, point.payload or {}) for point in found.points]

    def count(self, model: str, where: Alternatives) -> int:
        """Return the number of matching points."""
        return int(self._read("count", model, count_filter=_filter(where), exact=True).count)

    def facet(self, model: str, field: str, where: Alternatives) -> dict[str, int]:
        """Return the number of matching points per value of an indexed field."""
        options = {"key": field, "limit": FACET_LIMIT, "exact": True}
        answer = self._read("facet", model, facet_filter=_filter(where), **options)
        return {str(hit.value): hit.count for hit in answer.hits}

    def ping(self) -> None:
        """Raise StoreUnavailable unless the server answers within PING_TIMEOUT_S."""
        try:
            self._ping_client.get_collections()
        except _DRIVER_ERRORS as error:
            raise _refusal(error) from error

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
            raise _refusal(error) from error


def qdrant_vectors(url: str, api_key: str) -> VectorStore:
    """Return the vectors on the server at a URL, without connecting."""
    client, ping_client = (
        QdrantClient(url=url, api_key=api_key or None, timeout=timeout, check_compatibility=False)
        for timeout in (TIMEOUT_S, PING_TIMEOUT_S)
    )
    return VectorStore(QdrantDriver(client, ping_client=ping_client))


def _is_unavailable(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    if status is not None:
        return status >= 500 or status in {408, 429}
    return isinstance(error, _DRIVER_ERRORS)


def _refusal(error: Exception) -> StorageError:
    return unavailable_from(error) or store_unavailable("qdrant")


def _filter(where: Alternatives) -> models.Filter:
    return models.Filter(
        must=[
            models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
            for field, values in where.items()
        ]
    )


def _page(records: Sequence[Any], following: object = None, *, with_vectors: bool) -> Page:
    ids, offset = (
        [str(record.id) for record in records],
        None if following is None else str(following),
    )
    if not with_vectors:
        return Page(ids, payloads=[record.payload or {} for record in records], next=offset)
    table = np.asarray([record.vector for record in records], np.float32)
    return Page(ids, vectors=table.reshape(len(ids), -1), next=offset)

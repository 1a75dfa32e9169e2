"""The interface of vector stores, over the primitives that a driver implements.

One collection per embedder. Vectors have unit length; similarity is the cosine in -1..1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.errors import StorageError
from storage.vectors.checks import (
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

Where = Mapping[str, str | Sequence[str]]
"""Filter: payload field to a value, or to alternative values; all fields must match."""

Alternatives = Mapping[str, Sequence[str]]
"""A checked filter: payload field to one or more alternative values."""

INDEXED_FIELDS = ("collection", "run", "cluster", "verdict")
FACET_LIMIT = 100_000  # distinct values


@dataclass(frozen=True)
class Hit:
    """A search result."""

    id: str
    similarity: float
    payload: dict[str, str]


@dataclass(frozen=True)
class Page:
    """Points of a collection with vectors (n, d) or payloads; ``next`` is the following offset."""

    ids: list[str]
    vectors: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    payloads: list[dict[str, str]] = field(default_factory=list)
    next: str | None = None


class VectorDriver(Protocol):
    """The primitives of a store. Each is idempotent; arguments are checked before.

    All but ``create``, ``dimension`` and ``ping`` need the model's collection.
    """

    vectors_per_call: int
    ids_per_call: int

    def create(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes, unless it exists."""

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""

    def retrieve(self, model: str, ids: Sequence[str]) -> Page:
        """Return the vectors of the existing ids."""

    def scroll(
        self, model: str, where: Alternatives, *, offset: str | None, limit: int, with_vectors: bool
    ) -> Page:
        """Return a page of matching points in the order of their ids."""

    def search(
        self, model: str, vectors: NDArray[np.float32], where: Alternatives, *, limit: int
    ) -> list[tuple[str, float, dict[str, str]]]:
        """Return (id, cosine, payload) of the points nearest to one vector (1, d)."""

    def count(self, model: str, where: Alternatives) -> int:
        """Return the number of matching points."""

    def facet(self, model: str, field: str, where: Alternatives) -> dict[str, int]:
        """Return the number of matching points per value of an indexed field."""

    def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers within a few seconds."""


class VectorStore:
    """Face vectors by face id, with a payload to filter by.

    Every method is idempotent. A model without a collection is treated as empty.
    """

    def __init__(self, driver: VectorDriver) -> None:
        self.driver = driver
        self._dimensions: dict[str, int] = {}  # of collections that are known to exist

    def ensure(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes; raise ModelMismatch for another dimension."""
        check_dimension(dimension)
        collection_name(model)
        self._ask("create", model, dimension)
        compare_dimension(model, stored=self.dimension(model) or 0, wanted=dimension)

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""
        collection_name(model)
        if model not in self._dimensions:
            size = self._ask("dimension", model)
            if size is None:
                return None
            self._dimensions[model] = size
        return self._dimensions[model]

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
        for part in _slices(len(ids), self.driver.vectors_per_call):
            chosen = [dict(payload) for payload in payloads[part]]
            self._ask("upsert", model, list(ids[part]), table[part], chosen)

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""
        check_payload(payload)
        for part in self._known(model, ids, size=self.driver.ids_per_call):
            self._ask("set_payload", model, part, dict(payload))

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""
        for part in self._known(model, ids, size=self.driver.ids_per_call):
            self._ask("delete", model, part)

    def retrieve(self, model: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors (d,) by id; missing ids are left out."""
        found: dict[str, NDArray[np.float32]] = {}
        for part in self._known(model, ids, size=self.driver.vectors_per_call):
            page = self._ask("retrieve", model, part)
            found.update(zip(page.ids, page.vectors, strict=True))
        return found

    def iter_vectors(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Yield ids and vectors (b, d), in batches."""
        for page in self._pages(model, where, batch=batch, with_vectors=True):
            yield page.ids, page.vectors

    def iter_payloads(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[list[tuple[str, dict[str, str]]]]:
        """Yield ids and payloads, in batches."""
        for page in self._pages(model, where, batch=batch, with_vectors=False):
            yield list(zip(page.ids, page.payloads, strict=True))

    def search(
        self, model: str, vector: NDArray[np.float32], *, limit: int, where: Where
    ) -> list[Hit]:
        """Return up to ``limit`` faces nearest to a vector (d,), the most similar first."""
        wanted, dimension = self._wanted(model, where), self.dimension(model)
        if wanted is None or dimension is None:
            return []
        query = check_vector(vector, dimension=dimension).reshape(1, -1)
        return [
            Hit(id=face_id, similarity=max(-1.0, min(1.0, float(cosine))), payload=payload)
            for face_id, cosine, payload in self._ask("search", model, query, wanted, limit=limit)
        ]

    def count(self, model: str, where: Where) -> int:
        """Return the number of matching faces."""
        wanted = self._wanted(model, where)
        return 0 if wanted is None else int(self._ask("count", model, wanted))

    def facet(self, model: str, field: str, where: Where) -> dict[str, int]:
        """Return the number of matching faces per value of an indexed field."""
        wanted = self._wanted(model, where)
        found: dict[str, int] = {} if wanted is None else self._ask("facet", model, field, wanted)
        return found

    def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers within a few seconds."""
        self.driver.ping()

    def _pages(self, model: str, where: Where, *, batch: int, with_vectors: bool) -> Iterator[Page]:
        wanted = self._wanted(model, where)
        offset: str | None = None
        while wanted is not None:
            page = self._ask(
                "scroll", model, wanted, offset=offset, limit=batch, with_vectors=with_vectors
            )
            if page.ids:
                yield page
            offset = page.next
            if offset is None:
                return

    def _wanted(self, model: str, where: Where) -> dict[str, list[str]] | None:
        """Return the checked filter; None if it cannot match anything."""
        wanted = check_filter(where)
        return wanted if self.dimension(model) is not None and all(wanted.values()) else None

    def _known(self, model: str, ids: Sequence[str], *, size: int) -> Iterator[list[str]]:
        """Yield the valid ids in slices, none without a collection."""
        known = known_ids(ids)
        if known and self.dimension(model) is not None:
            for part in _slices(len(known), size):
                yield known[part]

    def _ask(self, primitive: str, *arguments: Any, **options: Any) -> Any:
        try:
            return getattr(self.driver, primitive)(*arguments, **options)
        except StorageError:
            self._dimensions.clear()  # another client may have removed a collection
            raise


def _slices(total: int, size: int) -> Iterator[slice]:
    for first in range(0, total, size):
        yield slice(first, first + size)

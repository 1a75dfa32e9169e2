"""Who is near whom, from the vector store's index: one search a face instead of every product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.vectors import VectorStore, Where

ASKING = 4  # searches under way at once: most of one is waiting for the store
_ROWS_AT_ONCE = 1000  # whose answers may wait to be read


@dataclass(frozen=True, eq=False)
class IndexNeighbours:
    """The neighbours of a run's faces; row i is face `ids[i]` with vector `vectors[i]` (n, d).

    `where` chooses the faces in the store that are worth finding; others are passed over, but take
    the places of those that are.
    """

    store: VectorStore
    model: str
    ids: Sequence[str]
    vectors: NDArray[np.float32]
    where: Where

    def __call__(
        self, *, radius: float, nearest: int
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Yield a row, its `nearest` rows within `radius` (cosine distance), their similarities."""
        rows = {face_id: row for row, face_id in enumerate(self.ids)}

        def found(row: int) -> tuple[int, NDArray[np.int64], NDArray[np.float32]]:
            # The nearest of all is the face itself.
            hits = self.store.search(
                self.model, self.vectors[row], limit=nearest + 1, where=self.where
            )
            near = [
                (rows[hit.id], hit.similarity)
                for hit in hits
                if hit.similarity >= 1 - radius and rows.get(hit.id, row) != row
            ]
            return (
                row,
                np.array([column for column, _ in near], dtype=np.int64),
                np.array([similarity for _, similarity in near], dtype=np.float32),
            )

        with ThreadPoolExecutor(ASKING) as pool:
            for start in range(0, len(self.ids), _ROWS_AT_ONCE):
                yield from pool.map(found, range(len(self.ids))[start : start + _ROWS_AT_ONCE])

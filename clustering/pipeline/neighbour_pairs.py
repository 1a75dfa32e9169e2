"""Candidate pairs of a run: exact and cached from run to run, or from the vector store's index.

Up to a configured number of faces, every face is compared with every other; pairs that were
compared in an earlier run are cached. Above it, the vector store's index is queried per face.
"""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clustering.context import PipelineContext
from clustering.documents import Run, Verdict
from clustering.grouping import (
    NeighbourPairs,
    Pairs,
    extend_pairs,
    find_neighbour_pairs,
    full_pairs,
    list_pairs,
)
from clustering.pipeline.face_table import FaceTable
from storage.errors import ObjectVanished
from storage.pictures import PictureStore
from storage.vectors import VectorStore, Where

UNREADABLE = (EOFError, ValueError, KeyError, OSError, zipfile.BadZipFile)
WIDER = 1.5  # a graph cached for a larger radius is reused for a smaller one, up to this factor
ASKING = 4  # concurrent searches: most of their time is spent waiting for the store
_ROWS_AT_ONCE = 1000  # bound of the results that wait to be consumed


logger = logging.getLogger(__name__)


class NeighbourGraph(NamedTuple):
    """Cached candidate pairs as rows of `ids`, found within `radius` (cosine distance)."""

    ids: NDArray[np.bytes_]
    embedder: np.str_
    radius: float
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def among(self, ids: Sequence[str]) -> tuple[Pairs, NDArray[np.bool_]]:
        """Return the cached pairs as rows of `ids`, and (n,) which rows must be compared (again).

        A row is compared again if it had as many pairs as are kept, and one of them is gone:
        pairs that were cut off may take its place.
        """
        rows = {face: row for row, face in enumerate(ids)}
        row = np.array([rows.get(face.decode(), -1) for face in self.ids.tolist()], np.int64)
        first, second = row[self.first], row[self.second]
        full = full_pairs(Pairs(self.first, self.second, self.similarity), len(self.ids))
        lost = np.concatenate([self.second[first < 0], self.first[second < 0]])
        fresh = np.ones(len(ids), dtype=np.bool_)
        fresh[row[row >= 0]] = False
        again = row[lost[full[lost]]]
        fresh[again[again >= 0]] = True
        ends = np.minimum(first, second), np.maximum(first, second)
        known = Pairs(*ends, self.similarity).chosen(ends[0] >= 0)
        return known.chosen(~fresh[known.first] & ~fresh[known.second]), fresh


def neighbour_pairs_of(run: Run, table: FaceTable, context: PipelineContext) -> NeighbourPairs:
    """Return the source of a run's candidate pairs: the index above ``context.index_above``."""
    if len(table.ids) > context.index_above:
        where = {"collection": run.collection, "verdict": Verdict.KEPT.value}
        return IndexedPairs(context.vectors, run.embedder, table.ids, table.vectors, where)
    return CachedPairs(context.graphs, run, table.ids)


@dataclass(frozen=True, eq=False)
class IndexedPairs:
    """Neighbours from the index; row i is face `ids[i]` with vector `vectors[i]` of (n, d).

    `where` filters the stored faces in the search. Hits that are not in `ids` are dropped, but
    count towards the limit of the search.
    """

    store: VectorStore
    model: str
    ids: Sequence[str]
    vectors: NDArray[np.float32]
    where: Where

    def __call__(self, vectors: NDArray[np.float32], *, radius: float) -> Pairs:
        """Return the pairs within `radius` that the index finds."""
        return list_pairs(self.listed, radius=radius)

    def listed(
        self, *, radius: float, nearest: int
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Yield a row, its `nearest` rows within `radius` (cosine distance), their similarities."""
        rows = {face_id: row for row, face_id in enumerate(self.ids)}

        def found(row: int) -> tuple[int, NDArray[np.int64], NDArray[np.float32]]:
            # The nearest hit is the face itself.
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


class CachedPairs:
    """Candidate pairs of a collection, cached from run to run; only new faces are compared.

    A face that had as many pairs as are kept, and lost one, is compared again. The result equals
    that of comparing all faces.
    """

    def __init__(self, graphs: PictureStore, run: Run, ids: Sequence[str]) -> None:
        self._graphs = graphs
        self._id = graph_id(run.collection)
        self._embedder = run.embedder
        self._ids = ids
        self.compared = len(ids)  # number of faces that were compared with all others

    def __call__(self, vectors: NDArray[np.float32], *, radius: float) -> Pairs:
        """Return and cache the pairs of (n, d) unit rows within `radius` (cosine distance)."""
        kept = self._read()
        wide = radius
        if kept is not None and radius < kept.radius <= WIDER * radius:
            wide = kept.radius
        if kept is None or kept.radius < wide:
            pairs = find_neighbour_pairs(vectors, radius=wide)
        else:
            known, fresh = kept.among(self._ids)
            self.compared = int(np.count_nonzero(fresh))
            pairs = extend_pairs(vectors, known, fresh, radius=wide)
        self._write(pairs, wide)
        return pairs.chosen(pairs.similarity >= np.float32(1 - radius))

    def _read(self) -> NeighbourGraph | None:
        try:
            with np.load(io.BytesIO(self._graphs.read(self._id)), allow_pickle=False) as stored:
                fields = {name: stored[name] for name in NeighbourGraph._fields}
                graph = NeighbourGraph(**{**fields, "radius": float(fields["radius"])})
        except ObjectVanished:
            return None  # first run
        except UNREADABLE as error:
            logger.warning("The candidate pairs of the last run cannot be read: %r", error)
            return None
        return graph if str(graph.embedder) == self._embedder else None

    def _write(self, pairs: Pairs, radius: float) -> None:
        """Save the pairs for the next run."""
        out = io.BytesIO()
        ids = np.asarray(self._ids, "S36")
        np.savez_compressed(
            out, **NeighbourGraph(ids, np.str_(self._embedder), radius, *pairs)._asdict()
        )
        self._graphs.save(self._id, out.getvalue())


def graph_id(collection: str) -> str:
    """Return the id of the cached candidate pairs of a collection."""
    return sha256(collection.encode()).hexdigest()[:32]

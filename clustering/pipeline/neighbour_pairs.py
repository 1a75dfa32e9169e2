"""Which faces may be one person: compared with all, remembered from the last run, or asked for.

Up to a setting every face is compared with every other, but those that were compared in an earlier
run are not again. Beyond it the vector store's index is asked for each face's neighbours.
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
WIDER = 1.5  # a graph kept for a larger radius serves a smaller one, up to this many times
ASKING = 4  # searches under way at once: most of one is waiting for the store
_ROWS_AT_ONCE = 1000  # whose answers may wait to be read


logger = logging.getLogger(__name__)


class NeighbourGraph(NamedTuple):
    """Candidate pairs as they are kept: rows of `ids`, found within `radius`."""

    ids: NDArray[np.bytes_]
    embedder: np.str_
    radius: float
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def among(self, ids: Sequence[str]) -> tuple[Pairs, NDArray[np.bool_]]:
        """Return the known pairs in rows of `ids`, and which rows have to be compared (again)."""
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
    """Return where a run takes its candidate pairs from: from the index if there are very many."""
    if len(table.ids) > context.index_above:
        where = {"collection": run.collection, "verdict": Verdict.KEPT.value}
        return IndexedPairs(context.vectors, run.embedder, table.ids, table.vectors, where)
    return CachedPairs(context.graphs, run, table.ids)


@dataclass(frozen=True, eq=False)
class IndexedPairs:
    """The neighbours of a run's faces; row i is face `ids[i]` with vector `vectors[i]` (n, d).

    `where` chooses the faces in the store that are worth finding; others are passed over, but take
    the places of those that are.
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


class CachedPairs:
    """The candidate pairs of a collection, kept from run to run: new faces are compared with all.

    A face that had as many pairs as are kept, and lost one, is compared again. What comes out is
    what comparing all would have given.
    """

    def __init__(self, graphs: PictureStore, run: Run, ids: Sequence[str]) -> None:
        self._graphs = graphs
        self._id = graph_id(run.collection)
        self._embedder = run.embedder
        self._ids = ids
        self.compared = len(ids)  # faces that were compared with all

    def __call__(self, vectors: NDArray[np.float32], *, radius: float) -> Pairs:
        """Return the pairs of (n, d) unit rows within `radius` (cosine distance), and keep them."""
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
            return None  # there was no run before
        except UNREADABLE as error:
            logger.warning("The candidate pairs of the last run cannot be read: %r", error)
            return None
        return graph if str(graph.embedder) == self._embedder else None

    def _write(self, pairs: Pairs, radius: float) -> None:
        """Keep the pairs; a graph that cannot be kept costs the next run time, and nothing else."""
        out = io.BytesIO()
        ids = np.asarray(self._ids, "S36")
        np.savez_compressed(
            out, **NeighbourGraph(ids, np.str_(self._embedder), radius, *pairs)._asdict()
        )
        self._graphs.save(self._id, out.getvalue())


def graph_id(collection: str) -> str:
    """Return the id under which the candidate pairs of a collection are kept."""
    return sha256(collection.encode()).hexdigest()[:32]

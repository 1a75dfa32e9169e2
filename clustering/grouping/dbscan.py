"""DBSCAN over unit vectors, the labels scikit-learn gives, by blocked matrix products.

Ester, Kriegel, Sander, Xu: A density-based algorithm for discovering clusters (KDD 1996).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clustering.grouping.bounds import bounding_projection
from clustering.grouping.tiles import (
    TILE_ROWS,
    Pairs,
    Tile,
    join_pairs,
    map_tiles,
    pairs_in_tile,
    tile_at,
)

# A float32 product of unit rows is off by at most a few 1e-7; pairs this close to the cut are
# decided again in float64.
ROUNDING = 4e-6
_RECHECKED_AT_ONCE = 512
_CROWDED = 4e-3  # share of pairs to look at from which the whole product is cheaper
_EDGES_PER_ROW = 64
_FEWEST_EDGES_KEPT = 1 << 20


def dbscan_labels(
    vectors: NDArray[np.float32],
    *,
    eps: float,
    min_samples: int,
    block_rows: int = TILE_ROWS,
) -> NDArray[np.int64]:
    """Label (n, d) unit rows as scikit-learn's DBSCAN does, numbering and border points included.

    `eps` is a cosine distance. Two rows are neighbours where half their squared Euclidean distance,
    in float64, is at most `eps`: what scikit-learn decides for float64 rows, metric="euclidean" and
    sqrt(2 * eps), up to 1e-14. For float32 rows its own rounding is about 1e-8, and a pair that
    close to the cut may differ. Memory is linear in n.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    graph = _DensityGraph(len(rows), min_samples=min_samples)
    outline = bounding_projection(rows, floor=1 - eps - ROUNDING)

    def neighbours(block: Tile) -> Pairs:
        return _neighbours(rows, block, eps=eps, is_bound=outline is not rows)

    for pairs in map_tiles(outline, neighbours, block_rows=block_rows):
        graph.add(pairs)
    return graph.labels()


def _neighbours(rows: NDArray[np.float32], block: Tile, *, eps: float, is_bound: bool) -> Pairs:
    """List the pairs of a piece that are at most `eps` apart."""
    mask = block.products >= 1 - eps - ROUNDING
    if is_bound and np.count_nonzero(mask) > _CROWDED * mask.size:
        block, is_bound = tile_at(rows, block), False
        mask = block.products >= 1 - eps - ROUNDING
    pairs = pairs_in_tile(block, mask)
    if is_bound:
        pairs = _measured(rows, pairs)
        pairs = pairs.chosen(pairs.similarity >= 1 - eps - ROUNDING)
    doubtful = np.flatnonzero(pairs.similarity < 1 - eps + ROUNDING)
    keep = np.ones(len(pairs.first), dtype=np.bool_)
    for start in range(0, len(doubtful), _RECHECKED_AT_ONCE):
        some = doubtful[start : start + _RECHECKED_AT_ONCE]
        apart = rows[pairs.first[some]].astype(np.float64) - rows[pairs.second[some]]
        keep[some] = np.einsum("ij,ij->i", apart, apart) <= 2 * eps
    return pairs.chosen(keep)


def _measured(rows: NDArray[np.float32], pairs: Pairs) -> Pairs:
    similarity = np.empty(len(pairs.first), dtype=np.float32)
    for start in range(0, len(similarity), _RECHECKED_AT_ONCE):
        some = slice(start, start + _RECHECKED_AT_ONCE)
        products = np.einsum("ij,ij->i", rows[pairs.first[some]], rows[pairs.second[some]])
        similarity[some] = products
    return pairs._replace(similarity=similarity)


class _DensityGraph:
    """Which rows are neighbours, without keeping what can no longer change a label.

    A row that has enough neighbours is a core for good, so an edge between two cores only has to
    be remembered as "same component": whenever the list has grown too long, those edges are
    replaced by one edge per row to its component's first row. The rest are fewer than
    `min_samples` a row.
    """

    def __init__(self, count: int, *, min_samples: int) -> None:
        self._count = count
        self._min_samples = min_samples
        self._neighbours = np.ones(count, dtype=np.int64)  # a row is its own neighbour
        self._parts: list[Pairs] = []
        self._held = 0
        self._room = max(_FEWEST_EDGES_KEPT, count * (_EDGES_PER_ROW + min_samples))

    def add(self, pairs: Pairs) -> None:
        """Take the neighbours of one piece."""
        if not len(pairs.first):
            return
        self._neighbours += np.bincount(pairs.first, minlength=self._count)
        self._neighbours += np.bincount(pairs.second, minlength=self._count)
        self._parts.append(pairs)
        self._held += len(pairs.first)
        if self._held > self._room:
            self._compress()

    def labels(self) -> NDArray[np.int64]:
        """Number the components by their first core row; a border row joins the lowest number."""
        pairs, core = join_pairs(self._parts), self._neighbours >= self._min_samples
        component = self._components(pairs.chosen(core[pairs.first] & core[pairs.second]))
        labels = np.full(self._count, -1, dtype=np.int64)
        _, first_seen, inverse = np.unique(component[core], return_index=True, return_inverse=True)
        labels[core] = np.argsort(np.argsort(first_seen))[inverse]
        border = np.full(self._count, self._count, dtype=np.int64)
        for inner, outer in ((pairs.first, pairs.second), (pairs.second, pairs.first)):
            reached = core[inner] & ~core[outer]
            np.minimum.at(border, outer[reached], labels[inner[reached]])
        touched = border < self._count
        labels[touched] = border[touched]
        return labels

    def _compress(self) -> None:
        pairs, core = join_pairs(self._parts), self._neighbours >= self._min_samples
        settled = core[pairs.first] & core[pairs.second]
        component = self._components(pairs.chosen(settled))
        _, first_row, inverse = np.unique(component, return_index=True, return_inverse=True)
        to_root = Pairs(
            first_row[inverse],
            np.arange(self._count),
            np.zeros(self._count, dtype=np.float32),
        )
        to_root = to_root.chosen(to_root.first < to_root.second)
        self._parts = [pairs.chosen(~settled), to_root]
        self._held = sum(len(part.first) for part in self._parts)

    def _components(self, pairs: Pairs) -> NDArray[np.int32]:
        ones = np.ones(len(pairs.first), dtype=np.bool_)
        graph = coo_array((ones, (pairs.first, pairs.second)), shape=(self._count, self._count))
        return connected_components(graph, directed=False)[1]

"""DBSCAN over unit vectors by tiled matrix products, with the labels of scikit-learn.

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

# The error of a float32 product of unit rows is at most a few 1e-7; pairs this close to the
# threshold are computed again in float64.
ROUNDING = 4e-6
_RECHECKED_AT_ONCE = 512
_CROWDED = 4e-3  # share of pairs to recheck from which the full product is cheaper
_EDGES_PER_ROW = 64
_FEWEST_EDGES_KEPT = 1 << 20


def dbscan_labels(
    vectors: NDArray[np.float32],
    *,
    eps: float,
    min_samples: int,
    block_rows: int = TILE_ROWS,
) -> NDArray[np.int64]:
    """Label (n, d) unit rows as scikit-learn's DBSCAN does, including numbers and border points.

    `eps` is a cosine distance. Two rows are neighbours if half their squared Euclidean distance,
    in float64, is at most `eps`: the same as scikit-learn for float64 rows, metric="euclidean" and
    sqrt(2 * eps), up to 1e-14. For float32 rows scikit-learn's own rounding is about 1e-8, and a
    pair that close to the threshold may differ. Memory is linear in n.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    graph = _DensityGraph(len(rows), min_samples=min_samples)
    bounds = bounding_projection(rows, floor=1 - eps - ROUNDING)

    def neighbours(block: Tile) -> Pairs:
        return _neighbours(rows, block, eps=eps, is_bound=bounds is not rows)

    for pairs in map_tiles(bounds, neighbours, block_rows=block_rows):
        graph.add(pairs)
    return graph.labels()


def _neighbours(rows: NDArray[np.float32], block: Tile, *, eps: float, is_bound: bool) -> Pairs:
    """List the pairs of a tile within `eps`; with `is_bound` products are only upper bounds."""
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
    """Neighbour graph without the edges that can no longer change a label.

    A row with enough neighbours stays a core row, so edges between two core rows only mean "same
    component": when the list of edges is full, these are replaced by one edge per row to the first
    row of its component. The remaining edges are fewer than `min_samples` per row.
    """

    def __init__(self, count: int, *, min_samples: int) -> None:
        self._count = count
        self._min_samples = min_samples
        self._neighbours = np.ones(count, dtype=np.int64)  # a row is its own neighbour
        self._parts: list[Pairs] = []
        self._held = 0
        self._room = max(_FEWEST_EDGES_KEPT, count * (_EDGES_PER_ROW + min_samples))

    def add(self, pairs: Pairs) -> None:
        """Add the neighbour pairs of one tile."""
        if not len(pairs.first):
            return
        self._neighbours += np.bincount(pairs.first, minlength=self._count)
        self._neighbours += np.bincount(pairs.second, minlength=self._count)
        self._parts.append(pairs)
        self._held += len(pairs.first)
        if self._held > self._room:
            self._compress()

    def labels(self) -> NDArray[np.int64]:
        """Return (n,) labels by first core row; a border row gets its lowest adjacent label."""
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

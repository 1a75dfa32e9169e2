"""Nearest-neighbour pairs within a radius, in linear memory: the candidates of the linkage."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.tiles import TILE_ROWS, Pairs, iter_tiles, join_pairs, pairs_in_tile

# A person with thousands of photos must not cost millions of pairs. The linkage compares groups by
# all their rows, so the nearest pairs only have to connect them.
NEAREST = 48
_FEWEST_PAIRS_HELD = 1 << 20


class Neighbours(Protocol):
    """Neighbours from an approximate index; missed neighbours cost recall, not correctness."""

    def __call__(
        self, *, radius: float, nearest: int
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Yield a row, its `nearest` rows within `radius` (cosine distance), their similarities."""


class NeighbourPairs(Protocol):
    """Source of candidate pairs."""

    def __call__(self, vectors: NDArray[np.float32], *, radius: float) -> Pairs:
        """Return the pairs of (n, d) unit rows within `radius` (cosine distance)."""


def find_neighbour_pairs(
    vectors: NDArray[np.float32],
    *,
    radius: float,
    nearest: int = NEAREST,
    block_rows: int = TILE_ROWS,
) -> Pairs:
    """List the pairs within `radius` (cosine distance) among the `nearest` of either row."""
    closest = _Closest(len(vectors), floor=1 - radius, nearest=nearest)
    for block in iter_tiles(vectors, block_rows=block_rows):
        height, width = block.products.shape
        rows = closest.floor[block.top : block.top + height]
        columns = closest.floor[block.left : block.left + width]
        mask = block.products >= rows[:, None]
        if closest.is_selective:
            mask |= block.products >= columns
        if np.count_nonzero(mask) > 2 * nearest * (height + width):
            mask &= _best_places(block.products, nearest)
        closest.add(pairs_in_tile(block, mask))
    return closest.pairs()


def extend_pairs(
    vectors: NDArray[np.float32],
    known: Pairs,
    fresh: NDArray[np.bool_],
    *,
    radius: float,
    nearest: int = NEAREST,
    block_rows: int = TILE_ROWS,
) -> Pairs:
    """Return the candidate pairs of all rows; only `fresh` (n,) rows are compared, with all rows.

    `known` are the pairs that `find_neighbour_pairs` found among the other rows at this radius.
    """
    closest = _Closest(len(vectors), floor=1 - radius, nearest=nearest)
    closest.add(known)
    rows = np.flatnonzero(fresh)
    for some in np.split(rows, range(block_rows, len(rows), block_rows)):
        for left in range(0, len(vectors), block_rows):
            products = vectors[some] @ vectors[left : left + block_rows].T
            first, second = np.nonzero(products >= 1 - radius)
            similarity = products[first, second]
            first, second = some[first], left + second
            once = (first != second) & (~fresh[second] | (first < second))
            ends = np.minimum(first, second), np.maximum(first, second)
            closest.add(Pairs(*ends, similarity).chosen(once))
    return closest.pairs()


def full_pairs(pairs: Pairs, count: int, *, nearest: int = NEAREST) -> NDArray[np.bool_]:
    """Return (count,) which rows have `nearest` pairs or more: further pairs may be cut off."""
    return np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=count) >= nearest


def list_pairs(neighbours: Neighbours, *, radius: float, nearest: int = NEAREST) -> Pairs:
    """List the pairs found by an index, without duplicates, in the order of the rows."""
    parts = []
    for row, columns, similarity in neighbours(radius=radius, nearest=nearest):
        near = (similarity >= np.float32(1 - radius)) & (columns != row)
        rows = np.full(np.count_nonzero(near), row, dtype=np.int64)
        ends = np.minimum(rows, columns[near]), np.maximum(rows, columns[near])
        parts.append(Pairs(*ends, similarity[near]))
    pairs = join_pairs(parts)
    order = np.lexsort((-pairs.similarity, pairs.second, pairs.first))
    pairs = pairs.chosen(order)
    again = (np.diff(pairs.first) == 0) & (np.diff(pairs.second) == 0)
    return pairs.chosen(np.concatenate([np.ones(min(len(order), 1), dtype=np.bool_), ~again]))


def _best_places(products: NDArray[np.float32], nearest: int) -> NDArray[np.bool_]:
    """Mark the `nearest` + 1 best of each row and column; one of them may be the row itself."""
    places = np.zeros(products.shape, dtype=np.bool_)
    for matrix, marks in ((products, places), (products.T, places.T)):
        spare = matrix.shape[1] - nearest - 1
        if spare <= 0:
            return np.ones(products.shape, dtype=np.bool_)
        best = np.argpartition(matrix, spare, axis=1)[:, spare:]
        np.put_along_axis(marks, best, values=True, axis=1)
    return places


class _Closest:
    """The nearest pairs of every row so far, and the minimum similarity of new pairs per row."""

    def __init__(self, count: int, *, floor: float, nearest: int) -> None:
        self.floor = np.full(count, floor, dtype=np.float32)
        self.is_selective = False
        self._nearest = nearest
        self._parts: list[Pairs] = []
        self._held = 0
        self._room = max(_FEWEST_PAIRS_HELD, 2 * count * nearest)

    def add(self, pairs: Pairs) -> None:
        self._parts.append(pairs)
        self._held += len(pairs.first)
        if self._held > self._room:
            self._parts = [self.pairs()]
            self._held = len(self._parts[0].first)
            self.is_selective = True

    def pairs(self) -> Pairs:
        """Return the pairs among the nearest of either row, in the order of the rows."""
        pairs = join_pairs(self._parts)
        # Sort by rows, so that the choice among equal pairs does not depend on the input order.
        pairs = pairs.chosen(np.argsort(pairs.first * len(self.floor) + pairs.second))
        ends = np.concatenate([pairs.first, pairs.second])
        order = np.argsort(_by_row_nearest_first(ends, pairs.similarity), kind="stable")
        starts = np.searchsorted(ends[order], np.arange(len(self.floor)))
        rank = np.arange(len(order)) - starts[ends[order]]
        edge = order % max(len(pairs.first), 1)
        keep = np.zeros(len(pairs.first), dtype=np.bool_)
        keep[edge[rank < self._nearest]] = True
        last = rank == self._nearest - 1
        worst = pairs.similarity[edge[last]]
        # A row with enough pairs accepts only better ones: copies of a photo must not pile up.
        self.floor[ends[order[last]]] = np.nextafter(worst, np.float32(2))
        return pairs.chosen(keep)


def _by_row_nearest_first(
    ends: NDArray[np.int64], similarity: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return one sortable integer per pair and end: by row, then by descending similarity.

    The order of non-negative float32 values is that of their bit patterns.
    """
    distance = np.maximum(np.float32(2) - similarity, 0).astype(np.float32)
    return (ends << 32) | np.tile(distance.view(np.int32), 2)

"""Average linkage over a sparse graph of candidates: one merge at a time, best first, on a heap.

The mean similarity of two groups needs no matrix: it is the product of their summed rows over
the product of their weights (Sokal and Michener 1958; the heap is Day and Edelsbrunner 1984).
Groups can only be that similar if some pair of their rows is, so a graph of the pairs within the
cut leads to every merge.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.blocks import Pairs


def average_linkage(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    candidates: Pairs,
    *,
    cut: float,
) -> NDArray[np.int64]:
    """Merge groups while the mean cosine distance across them is at most `cut`; label the rows.

    A label is the smallest row of its group.
    """
    forest = _Forest(vectors, weights, candidates, floor=1 - cut)
    forest.grow()
    return forest.labels()


class _Forest:
    """Groups so far. A group is named after its smallest row and stamped at each change."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32],
        candidates: Pairs,
        *,
        floor: float,
    ) -> None:
        count = len(vectors)
        self._floor = floor
        self._sums = vectors * weights[:, None]
        self._weights = weights.astype(np.float64)
        self._group = np.arange(count)
        self._rows: dict[int, NDArray[np.int64]] = {}
        self._stamps = [0] * count
        self._near = _neighbour_lists(candidates, count)
        good = candidates.similarity >= floor
        self._heap = [
            (-similarity, first, second, 0, 0)
            for similarity, first, second in zip(
                candidates.similarity[good].tolist(),
                candidates.first[good].tolist(),
                candidates.second[good].tolist(),
                strict=True,
            )
        ]
        heapq.heapify(self._heap)

    def grow(self) -> None:
        """Merge the most similar groups until none are similar enough."""
        while self._heap:
            _, one, other, stamp, other_stamp = heapq.heappop(self._heap)
            if self._stamps[one] == stamp and self._stamps[other] == other_stamp:
                self._merge(one, other)

    def labels(self) -> NDArray[np.int64]:
        return self._group

    def _merge(self, one: int, other: int) -> None:
        rows = np.concatenate([self._rows_of(one), self._rows_of(other)])
        self._rows[one] = rows
        self._rows.pop(other, None)
        self._group[rows] = one
        self._sums[one] += self._sums[other]
        self._weights[one] += self._weights[other]
        self._stamps[one] += 1
        self._stamps[other] = -1
        near = np.unique(self._group[np.concatenate([self._near[one], self._near[other]])])
        self._near[one] = near[near != one]
        self._near[other] = near[:0]
        self._offer(one)

    def _offer(self, group: int) -> None:
        near = self._near[group]
        products = self._sums[near] @ self._sums[group]
        similarity = products / (self._weights[near] * self._weights[group])
        good = similarity >= self._floor
        for other, value in zip(near[good].tolist(), similarity[good].tolist(), strict=True):
            first, second = min(group, other), max(group, other)
            stamps = self._stamps[first], self._stamps[second]
            heapq.heappush(self._heap, (-value, first, second, *stamps))

    def _rows_of(self, group: int) -> NDArray[np.int64]:
        return self._rows.get(group, np.array([group]))


def _neighbour_lists(pairs: Pairs, count: int) -> list[NDArray[np.int64]]:
    ends = np.concatenate([pairs.first, pairs.second])
    others = np.concatenate([pairs.second, pairs.first])
    order = np.argsort(ends, kind="stable")
    borders = np.searchsorted(ends[order], np.arange(1, count))
    return np.split(others[order], borders)

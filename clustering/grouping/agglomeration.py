"""Average linkage over a sparse graph of candidates: one merge at a time, best first, on a heap.

The mean similarity of two groups needs no matrix: it is the product of their summed rows over
the product of their weights (Sokal and Michener 1958). A mean over pairs can only be good enough
if some pair is, so the graph of the pairs that are leads to every merge.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.blocks import Pairs


@dataclass(frozen=True, eq=False)
class Rule:
    """When two groups are one person: their mean distance is at most their mean reach, less doubt.

    `reach` (n,) is the cosine distance a row allows. `doubt` is asked of two single faces and
    fades as 2 / (faces in both): an accident of one pair looks like a person, a mean over many
    does not.
    """

    reach: NDArray[np.float32]
    doubt: float


def average_linkage(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    candidates: Pairs,
    rule: Rule,
) -> NDArray[np.int64]:
    """Merge groups, the clearest first, while the rule allows; a label is a row of the group."""
    forest = _Forest(vectors, weights, rule)
    forest.plant(candidates)
    forest.grow()
    return forest.labels


class _Forest:
    """The groups so far. A group is named after one of its rows and stamped at each change."""

    def __init__(
        self, vectors: NDArray[np.float32], weights: NDArray[np.float32], rule: Rule
    ) -> None:
        self.labels = np.arange(len(vectors))
        self._doubt = rule.doubt
        self._sums = vectors * weights[:, None]
        self._reaches = rule.reach * weights.astype(np.float64)
        self._weights = weights.astype(np.float64)
        self._sizes = np.ones(len(vectors))
        self._rows: dict[int, NDArray[np.int64]] = {}
        self._near: list[NDArray[np.int64]] = []
        self._stamps = [0] * len(vectors)
        self._heap: list[tuple[float, int, int, int, int]] = []

    def plant(self, candidates: Pairs) -> None:
        """Offer every candidate pair as the first merge of its two rows."""
        first, second, similarity = candidates
        self._near = _neighbour_lists(candidates, len(self.labels))
        reach = (self._reaches / self._weights)[first] + (self._reaches / self._weights)[second]
        slack = similarity - 1 + reach / 2 - self._doubt
        good = slack >= 0
        self._heap = [
            (-value, one, other, 0, 0)
            for value, one, other in zip(
                slack[good].tolist(), first[good].tolist(), second[good].tolist(), strict=True
            )
        ]
        heapq.heapify(self._heap)

    def grow(self) -> None:
        """Merge the two groups with the most slack until no two have any."""
        while self._heap:
            _, one, other, stamp, other_stamp = heapq.heappop(self._heap)
            if self._stamps[one] == stamp and self._stamps[other] == other_stamp:
                self._merge(one, other)

    def _merge(self, one: int, other: int) -> None:
        rows = np.concatenate([self._rows_of(one), self._rows_of(other)])
        self._rows[one] = rows
        self._rows.pop(other, None)
        self.labels[rows] = one
        for sums in (self._sums, self._reaches, self._weights, self._sizes):
            sums[one] += sums[other]
        self._stamps[one] += 1
        self._stamps[other] = -1
        near = np.unique(self.labels[np.concatenate([self._near[one], self._near[other]])])
        self._near[one] = near[near != one]
        self._near[other] = near[:0]
        self._offer(one)

    def _offer(self, group: int) -> None:
        near = self._near[group]
        slack = self._slack(group, near)
        good = slack >= 0
        for other, value in zip(near[good].tolist(), slack[good].tolist(), strict=True):
            first, second = min(group, other), max(group, other)
            stamps = self._stamps[first], self._stamps[second]
            heapq.heappush(self._heap, (-value, first, second, *stamps))

    def _slack(self, group: int, near: NDArray[np.int64]) -> NDArray[np.float64]:
        weight, weights = self._weights[group], self._weights[near]
        similarity = (self._sums[near] @ self._sums[group]) / (weights * weight)
        reach = (self._reaches[near] / weights + self._reaches[group] / weight) / 2
        doubt = self._doubt * 2 / (self._sizes[near] + self._sizes[group])
        return similarity - 1 + reach - doubt

    def _rows_of(self, group: int) -> NDArray[np.int64]:
        return self._rows.get(group, np.array([group]))


def _neighbour_lists(pairs: Pairs, count: int) -> list[NDArray[np.int64]]:
    ends = np.concatenate([pairs.first, pairs.second])
    others = np.concatenate([pairs.second, pairs.first])
    order = np.argsort(ends, kind="stable")
    borders = np.searchsorted(ends[order], np.arange(1, count))
    return np.split(others[order], borders)

"""Average linkage over a sparse graph of candidate pairs: best merge first, on a heap.

The mean similarity of two groups needs no matrix: it is the dot product of their summed rows
divided by the product of their weights (Sokal and Michener 1958). A mean over pairs can only pass
the criterion if at least one pair does, so the graph of passing pairs leads to every merge.

Constraints have priority: must-link rows start as one group, and a merge that breaks a cannot-link
is refused. Faces of one image are evidence: a merge is refused if many images show both groups.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.tiles import Pairs

# Two groups may merge although images show both, up to this share of the smaller group: a person
# can be in a picture twice, and one such picture must not split the person. Simulated for 2,812
# people (benchmarks/grouping_quality.py --images: company 10 %, twice 1 %), recall is .922 if no
# image is allowed, .950 from .2 on; precision does not change. Siblings share more pictures.
SAME_IMAGE_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class MergeCriterion:
    """Two groups merge if their mean distance is at most their mean radius minus the pair penalty.

    `radius` (n,) is the cosine distance a row allows. `pair_penalty` applies in full to two single
    faces and decreases as 2 / (faces in both groups): one pair can be similar by accident, the
    mean over many pairs is reliable.
    """

    radius: NDArray[np.float32]
    pair_penalty: float


def average_linkage(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    candidates: Pairs,
    rule: MergeCriterion,
    *,
    cannot_link: CannotLink,
) -> NDArray[np.int64]:
    """Merge groups, best pair first, while criterion and constraints allow.

    Returns (n,) labels; each label is a row of its group. `cannot_link` is modified by the merges
    and must not be used again.
    """
    linkage = _Linkage(vectors, weights, rule, cannot_link)
    linkage.seed(candidates)
    linkage.merge_all()
    return linkage.labels


class _Linkage:
    """Groups under construction; each is identified by one of its rows and has a version stamp."""

    def __init__(
        self,
        vectors: NDArray[np.float32],
        weights: NDArray[np.float32],
        rule: MergeCriterion,
        cannot_link: CannotLink,
    ) -> None:
        self.labels = cannot_link.roots.copy()
        self._cannot_link = cannot_link
        self._pair_penalty = rule.pair_penalty
        self._sums = vectors * weights[:, None]
        self._radii = rule.radius * weights.astype(np.float64)
        self._weights = weights.astype(np.float64)
        self._sizes = np.ones(len(vectors))
        self._rows: dict[int, NDArray[np.int64]] = {}
        self._near: list[NDArray[np.int64]] = []
        self._stamps = [0] * len(vectors)
        self._heap: list[tuple[float, int, int, int, int]] = []
        self._contract()

    def seed(self, candidates: Pairs) -> None:
        """Push the best candidate merge of every group onto the heap."""
        candidates = self._cannot_link.chosen(candidates)
        ends = self.labels[np.concatenate([candidates.first, candidates.second])]
        others = self.labels[np.concatenate([candidates.second, candidates.first])]
        order = np.lexsort((others, ends))
        ends, others = ends[order], others[order]
        self._near = np.split(others, np.searchsorted(ends, np.arange(1, len(self.labels))))
        similarity = np.tile(candidates.similarity, 2)[order]
        # For two groups of one row each, the similarity of the pair is the mean similarity.
        crowded = (self._sizes[ends] > 1) | (self._sizes[others] > 1)
        asking = np.unique(ends[crowded])
        single = ~np.isin(ends, asking)
        self._seed_singles(ends[single], others[single], similarity[single])
        for group in asking.tolist():
            self._ask(group)

    def _seed_singles(
        self, ends: NDArray[np.int64], others: NDArray[np.int64], similarity: NDArray[np.float32]
    ) -> None:
        radius = self._radii / self._weights
        slack = similarity - 1 + (radius[ends] + radius[others]) / 2 - self._pair_penalty
        best = np.lexsort((others, -slack, ends))
        best = best[np.unique(ends[best], return_index=True)[1]]
        best = best[slack[best] >= 0]
        asked = slack[best].tolist(), ends[best].tolist(), others[best].tolist()
        self._heap = [(-value, one, other, 0, 0) for value, one, other in zip(*asked, strict=True)]
        heapq.heapify(self._heap)

    def merge_all(self) -> None:
        """Merge the two groups with the most slack until no pair has any.

        A group has one entry on the heap: the best partner at its last change. A partner that has
        changed since then has pushed its own entry (Muellner 2011, generic linkage).
        """
        while self._heap:
            _, one, other, stamp, other_stamp = heapq.heappop(self._heap)
            if self._stamps[one] != stamp:
                continue
            if self._stamps[other] == other_stamp:
                self._merge(min(one, other), max(one, other))
            else:
                self._ask(one)

    def _contract(self) -> None:
        """Build the initial groups from the must-link components."""
        order = np.argsort(self.labels, kind="stable")
        _, starts, sizes = np.unique(self.labels[order], return_index=True, return_counts=True)
        for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
            rows = order[start : start + size]
            self._rows[int(rows[0])] = rows
            for sums in (self._sums, self._radii, self._weights, self._sizes):
                sums[rows[0]] = sums[rows].sum(axis=0)

    def _merge(self, one: int, other: int) -> None:
        rows = np.concatenate([self._rows_of(one), self._rows_of(other)])
        self._rows[one] = rows
        self._rows.pop(other, None)
        self.labels[rows] = one
        for sums in (self._sums, self._radii, self._weights, self._sizes):
            sums[one] += sums[other]
        self._cannot_link.join(one, other)
        self._stamps[one] += 1
        self._stamps[other] = -1
        self._near[one] = np.concatenate([self._near[one], self._near[other]])
        self._near[other] = rows[:0]
        self._ask(one)

    def _ask(self, group: int) -> None:
        near = np.unique(self.labels[self._near[group]])
        near = near[near != group]
        if not len(near):
            self._near[group] = near
            return
        slack = self._slack(group, near)
        lasting = np.ones(len(near), dtype=np.bool_)
        best = int(np.argmax(slack))
        while slack[best] >= 0 and self._is_refused(group, int(near[best])):
            lasting[best] = not self._cannot_link.between(group, int(near[best]))
            slack[best] = -np.inf
            best = int(np.argmax(slack))
        self._near[group] = near[lasting]
        if slack[best] >= 0:
            other = int(near[best])
            stamps = self._stamps[group], self._stamps[other]
            heapq.heappush(self._heap, (-float(slack[best]), group, other, *stamps))

    def _is_refused(self, group: int, other: int) -> bool:
        allowed = SAME_IMAGE_SHARE * min(self._sizes[group], self._sizes[other])
        return (
            self._cannot_link.between(group, other)
            or self._cannot_link.clashes(group, other) > allowed
        )

    def _slack(self, group: int, near: NDArray[np.int64]) -> NDArray[np.float64]:
        weight, weights = self._weights[group], self._weights[near]
        similarity = (self._sums[near] @ self._sums[group]) / (weights * weight)
        radius = (self._radii[near] / weights + self._radii[group] / weight) / 2
        pair_penalty = self._pair_penalty * 2 / (self._sizes[near] + self._sizes[group])
        return similarity - 1 + radius - pair_penalty

    def _rows_of(self, group: int) -> NDArray[np.int64]:
        return self._rows.get(group, np.array([group]))

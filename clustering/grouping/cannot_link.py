"""Cannot-link relations between groups, updated while groups merge."""

from collections import defaultdict
from itertools import product

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.constraints import Constraints, Rows
from clustering.grouping.tiles import Pairs

# Two faces of one image closer than this share of eps are the same face shown twice. Measured with
# centerface+dlib-resnet on 144 photos, each beside a copy, a half-size copy and the mirror images
# of both: at most .33 of eps. The closest two people in one photo are .61 of eps apart (98 pairs);
# two photos of one person, .51 in the median.
SAME_SHOT = 0.4
_PAIRS_AT_ONCE = 1 << 14


class CannotLink:
    """Relations that forbid merging two groups; a group is identified by one of its rows.

    Hard constraints: cannot-link pairs, different anchors, singletons. Evidence: images with a
    face of each group, unless the two faces are nearly identical (a mirror, a collage) or the pair
    is in `same_image_allowed`.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        constraints: Constraints,
        *,
        eps: float,
        subclusters: Rows | None = None,
    ) -> None:
        """Start with the must-link components, or with their `subclusters` (n,) if given."""
        count = len(vectors)
        must_link = constraints.roots(count)
        self.roots = must_link if subclusters is None else subclusters
        self._vectors = vectors
        self._floor = 1 - SAME_SHOT * eps
        self.people = constraints.people(count)
        self.images = _or_none(constraints.images, count)
        self.is_singleton = np.zeros(count, dtype=np.bool_)
        self.is_singleton[constraints.singletons] = True
        self._same_image_allowed = np.unique(self._codes(*constraints.same_image_allowed.T))
        self.cannot_link = _between_subclusters(constraints.cannot_link, must_link, self.roots)
        self._cannot_link_codes = np.unique(self._codes(*self.cannot_link.T))
        self._apart_of: dict[int, set[int]] = defaultdict(set)
        for one, other in self.cannot_link.tolist():
            self._apart_of[one].add(other)
            self._apart_of[other].add(one)
        self._person_of = {
            int(root): int(self.people[root]) for root in self.roots[self.people >= 0]
        }
        self._shots_of = self._shots()

    def is_refused(self, first: Rows, second: Rows) -> NDArray[np.bool_]:
        """Return for each pair of rows whether their initial groups must not merge."""
        people = self.people[first], self.people[second]
        refused = (people[0] >= 0) & (people[1] >= 0) & (people[0] != people[1])
        refused |= self.is_singleton[first] | self.is_singleton[second]
        refused |= np.isin(
            self._codes(self.roots[first], self.roots[second]), self._cannot_link_codes
        )
        images = self.images[first]
        shared = np.flatnonzero((images >= 0) & (images == self.images[second]))
        refused[shared] |= self._are_two(first[shared], second[shared])
        return refused & (self.roots[first] != self.roots[second])

    def chosen(self, pairs: Pairs) -> Pairs:
        """Keep the pairs whose rows may share a group."""
        return pairs.chosen(~self.is_refused(pairs.first, pairs.second))

    def between(self, one: int, other: int) -> bool:
        """Say whether a hard constraint forbids to merge two groups, now and after any merge."""
        if (
            self.is_singleton[one]
            or self.is_singleton[other]
            or other in self._apart_of.get(one, ())
        ):
            return True
        people = self._person_of.get(one), self._person_of.get(other)
        return None not in people and people[0] != people[1]

    def clashes(self, one: int, other: int) -> int:
        """Count the images in which both groups have a face, as two different people."""
        few, many = sorted((self._shots_of.get(one, {}), self._shots_of.get(other, {})), key=len)
        shared = [(rows, many[image]) for image, rows in few.items() if image in many]
        return sum(self._is_twice(rows, others) for rows, others in shared)

    def join(self, one: int, other: int) -> None:
        """Transfer the constraints of group `other` to group `one`, after their merge."""
        for far in self._apart_of.pop(other, ()):
            self._apart_of[far].remove(other)
            self._apart_of[far].add(one)
            self._apart_of[one].add(far)
        if other in self._person_of:
            self._person_of[one] = self._person_of.pop(other)
        shots = self._shots_of.get(one, {}), self._shots_of.pop(other, {})
        few, many = sorted(shots, key=len)
        for image, rows in few.items():
            many[image] = many.get(image, []) + rows
        if many:
            self._shots_of[one] = many

    def _shots(self) -> dict[int, dict[int, list[int]]]:
        """Return {group: {image: rows}}, without images of a single face."""
        known = np.flatnonzero(self.images >= 0)
        _, inverse, faces = np.unique(self.images[known], return_inverse=True, return_counts=True)
        shots: dict[int, dict[int, list[int]]] = {}
        for row in known[faces[inverse] > 1].tolist():
            images = shots.setdefault(int(self.roots[row]), {})
            images.setdefault(int(self.images[row]), []).append(row)
        return shots

    def _is_twice(self, rows: list[int], others: list[int]) -> bool:
        first, second = np.repeat(rows, len(others)), np.tile(others, len(rows))
        return bool(self._are_two(first, second).any())

    def _are_two(self, first: Rows, second: Rows) -> NDArray[np.bool_]:
        """Return for pairs of one image whether the two faces count as different people."""
        two = ~np.isin(self._codes(first, second), self._same_image_allowed)
        for start in range(0, len(first), _PAIRS_AT_ONCE):
            some = slice(start, start + _PAIRS_AT_ONCE)
            rows, others = self._vectors[first[some]], self._vectors[second[some]]
            two[some] &= np.einsum("ij,ij->i", rows, others) < self._floor
        return two

    def _codes(self, first: Rows, second: Rows) -> Rows:
        return np.minimum(first, second) * len(self._vectors) + np.maximum(first, second)


def _between_subclusters(cannot_link: Rows, must_link: Rows, subclusters: Rows) -> Rows:
    """Expand cannot-link pairs of rows to (k, 2) pairs of all subclusters of either side."""
    pairs = np.unique(must_link[cannot_link].reshape(-1, 2), axis=0)
    concerned = np.flatnonzero(np.isin(must_link, pairs))
    parts_of: dict[int, set[int]] = defaultdict(set)
    for root, part in zip(
        must_link[concerned].tolist(), subclusters[concerned].tolist(), strict=True
    ):
        parts_of[root].add(part)
    found = [
        p for a, b in pairs.tolist() for p in product(sorted(parts_of[a]), sorted(parts_of[b]))
    ]
    return np.asarray(found, dtype=np.int64).reshape(-1, 2)


def _or_none(column: Rows | None, count: int) -> Rows:
    return np.full(count, -1, dtype=np.int64) if column is None else np.asarray(column, np.int64)

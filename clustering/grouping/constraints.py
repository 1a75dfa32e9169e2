"""Must-link, cannot-link and anchor constraints on the rows of a grouping.

Works on row numbers only; ``clustering.pipeline.constraints`` translates decisions into rows.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

Rows = NDArray[np.int64]
Pair = tuple[int, int]
NONE = -1


class Contradiction(ValueError):
    """A cannot-link pair is connected by a chain of must-link pairs.

    `cannot_link` is the pair, `chain` the shortest path between its ends; each link of the path is
    one of `must_link`, or two rows of one anchor.
    """

    code = "contradiction"

    def __init__(self, cannot_link: Pair, chain: list[Pair]) -> None:
        links = ", ".join(f"{one} = {other}" for one, other in chain) or "they are one face"
        super().__init__(f"Faces {cannot_link[0]} and {cannot_link[1]} cannot be apart: {links}.")
        self.cannot_link = cannot_link
        self.chain = chain


def _no_pairs() -> Rows:
    return np.empty((0, 2), dtype=np.int64)


def _no_rows() -> Rows:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Constraints:
    """Constraints of a grouping of n rows.

    `must_link` (m, 2) and `cannot_link` (k, 2): pairs of rows. `anchors` (n,): the person a row was
    confirmed to be, -1 for none; rows of one anchor are must-link, rows of two anchors cannot-link.
    `singletons` (a,): rows that share a group with no other row. A pair applies to everything its
    ends are linked with: one cannot-link pair of a face and any face of a person keeps the face
    away from that person.

    `images` (n,): the image of a row, -1 for unknown. Two faces of one image do not share a group,
    unless a constraint above requires it, `same_image_allowed` (p, 2) allows it, or they are
    nearly identical.
    """

    must_link: Rows = field(default_factory=_no_pairs)
    cannot_link: Rows = field(default_factory=_no_pairs)
    anchors: Rows | None = None
    singletons: Rows = field(default_factory=_no_rows)
    images: Rows | None = None
    same_image_allowed: Rows = field(default_factory=_no_pairs)

    def check(self, count: int) -> None:
        """Raise Contradiction if the constraints on `count` rows cannot all be kept.

        Raises ValueError for columns of another length or rows out of range.
        """
        for name, column in (("anchors", self.anchors), ("images", self.images)):
            if column is not None and len(column) != count:
                raise ValueError(f"{name} must name one number a row: {len(column)}, not {count}.")
        _read_pairs(self.same_image_allowed, count)
        check_constraints(
            count,
            self.must_link,
            self.cannot_link,
            anchors=self.anchors,
            singletons=self.singletons,
        )

    def roots(self, count: int) -> Rows:
        """Return (count,) the first row of the must-link component of each row."""
        graph = _must_link_graph(count, _read_pairs(self.must_link, count), self._anchors(count))
        return _first_rows(graph)[:count]

    def people(self, count: int) -> Rows:
        """Return (count,) the anchor of each row's must-link component, -1 for none."""
        roots, anchors = self.roots(count), self._anchors(count)
        people = np.full(count, NONE, dtype=np.int64)
        anchored = np.flatnonzero(anchors >= 0)
        people[roots[anchored]] = anchors[anchored]
        return people[roots]

    def held(self, count: int) -> NDArray[np.bool_]:
        """Return (count,) which rows must not be noise: those with a must-link or an anchor."""
        roots = self.roots(count)
        return (np.bincount(roots, minlength=count)[roots] > 1) | (self._anchors(count) >= 0)

    def _anchors(self, count: int) -> Rows:
        return _read_anchors(self.anchors, count)


def check_constraints(
    count: int,
    must_link: Rows,
    cannot_link: Rows,
    *,
    anchors: Rows | None = None,
    singletons: Rows | None = None,
) -> None:
    """Raise Contradiction for the first cannot-link pair that must-links connect."""
    people = _read_anchors(anchors, count)
    links, bans = _read_pairs(must_link, count), _read_pairs(cannot_link, count)
    graph = _must_link_graph(count, links, people)
    first = _first_rows(graph)
    broken = np.flatnonzero(first[bans[:, 0]] == first[bans[:, 1]])
    if len(broken):
        one, other = bans[broken[0]].tolist()
        raise Contradiction((one, other), _chain(graph, one, other, count))
    _check_people(graph, first, people)
    _check_singletons(graph, first, singletons, count)


def _check_people(graph: csr_array, first: Rows, people: Rows) -> None:
    """Raise Contradiction for two anchors in one component: the nearest two of the first one."""
    count = len(people)
    anchored = np.flatnonzero(people >= 0)
    anchored = anchored[np.argsort(first[anchored], kind="stable")]
    same = first[anchored[1:]] == first[anchored[:-1]]
    broken = np.flatnonzero(same & (people[anchored[1:]] != people[anchored[:-1]]))
    if not len(broken):
        return
    one = int(anchored[broken[0]])
    reached = breadth_first_order(graph, one, directed=False, return_predecessors=False)
    reached = reached[reached < count]
    strange = reached[(people[reached] >= 0) & (people[reached] != people[one])]
    chain = _chain(graph, one, int(strange[0]), count)
    own = max(i for i, (row, _) in enumerate(chain) if people[row] == people[one])
    raise Contradiction((chain[own][0], int(strange[0])), chain[own:])


def _check_singletons(graph: csr_array, first: Rows, singletons: Rows | None, count: int) -> None:
    rows = _no_rows() if singletons is None else np.asarray(singletons, dtype=np.int64)
    _check_range(rows, count)
    crowded = rows[np.bincount(first[:count], minlength=count)[first[rows]] > 1]
    if len(crowded):
        one = int(crowded[0])
        reached = breadth_first_order(graph, one, directed=False, return_predecessors=False)
        other = int(reached[(reached < count) & (reached != one)][0])
        raise Contradiction((one, other), _chain(graph, one, other, count))


def _must_link_graph(count: int, links: Rows, people: Rows) -> csr_array:
    """Build the must-link graph; rows of a person share an extra node, numbered from `count`."""
    anchored = np.flatnonzero(people >= 0)
    names, person = np.unique(people[anchored], return_inverse=True)
    starts = np.concatenate([links[:, 0], anchored])
    ends = np.concatenate([links[:, 1], count + person])
    size = count + len(names)
    ones = np.ones(len(starts), dtype=np.bool_)
    return coo_array((ones, (starts, ends)), shape=(size, size)).tocsr()


def _first_rows(graph: csr_array) -> Rows:
    component = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _chain(graph: csr_array, one: int, other: int, count: int) -> list[Pair]:
    """Return the shortest path between two rows, without the extra nodes of people."""
    if one == other:
        return []
    _, before = breadth_first_order(graph, one, directed=False, return_predecessors=True)
    way = [other]
    while way[-1] != one:
        way.append(int(before[way[-1]]))
    rows = [node for node in reversed(way) if node < count]
    return list(pairwise(rows))


def _read_pairs(pairs: Rows, count: int) -> Rows:
    read = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    _check_range(read, count)
    return read


def _read_anchors(anchors: Rows | None, count: int) -> Rows:
    if anchors is None:
        return np.full(count, NONE, dtype=np.int64)
    return np.asarray(anchors, dtype=np.int64)


def _check_range(rows: Rows, count: int) -> None:
    if len(rows) and not (rows.min() >= 0 and rows.max() < count):
        raise ValueError(f"A constraint names a row outside 0 to {count - 1}.")

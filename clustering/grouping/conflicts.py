"""Pairs of rows that must not share a group and do, and who leaves where a face is shown twice."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.bars import Bars
from clustering.grouping.constraints import Rows
from clustering.grouping.reach import centroids_of


def conflicts_in(labels: NDArray[np.int64], bars: Bars) -> tuple[Rows, Rows]:
    """Return pairs of rows that break a bar: all of one image, and some of every other kind."""
    found = []
    for one, other in _suspects(labels, bars):
        barred = bars.is_barred(one, other)
        found.append((one[barred], other[barred]))
    first, second = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(second)


def shown_once(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], bars: Bars
) -> NDArray[np.int64]:
    """Let the faces leave that an image shows besides a liker one of the same group.

    What is together leaves together, and after single faces.
    """
    one, other = (bars.roots[rows] for rows in conflicts_in(labels, bars))
    if not len(one):
        return labels
    rivals: dict[int, set[int]] = defaultdict(set)
    for unit, rival in zip(one.tolist(), other.tolist(), strict=True):
        rivals[unit].add(rival)
        rivals[rival].add(unit)
    stay: set[int] = set()
    left = labels.copy()
    for unit in _likest_first(vectors, labels, bars, units=np.unique(np.concatenate([one, other]))):
        if rivals[unit].isdisjoint(stay):
            stay.add(unit)
        else:
            left[bars.roots == unit] = labels.max() + 1 + unit
    return left


def _likest_first(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], bars: Bars, *, units: Rows
) -> list[int]:
    rows = np.flatnonzero(np.isin(bars.roots, units))
    groups, group = np.unique(labels[rows], return_inverse=True)
    known = np.searchsorted(groups, labels).clip(max=len(groups) - 1)
    inside = np.where(groups[known] == labels, known, -1)
    centroids = centroids_of(vectors, inside, len(groups))
    likeness = np.einsum("ij,ij->i", vectors[rows], centroids[group])
    unit = np.searchsorted(units, bars.roots[rows])
    faces = np.bincount(unit)
    mean = np.bincount(unit, weights=likeness) / faces
    decided = (faces > 1) | (bars.people[units] >= 0)
    return units[np.lexsort((units, -mean, ~decided))].tolist()


def _suspects(labels: NDArray[np.int64], bars: Bars) -> Iterator[tuple[Rows, Rows]]:
    """Yield pairs of rows within groups: one of every conflict of a group is among them."""
    one, other = bars.apart.T
    inside = (labels[one] == labels[other]) & (labels[one] >= 0)
    yield one[inside], other[inside]
    named = _ordered(labels, bars.people)
    same = labels[named[:-1]] == labels[named[1:]]
    yield named[:-1][same], named[1:][same]
    shown = _ordered(labels, bars.images)
    for step in range(1, len(shown)):
        one, other = shown[:-step], shown[step:]
        same = (labels[one] == labels[other]) & (bars.images[one] == bars.images[other])
        if not same.any():
            break
        yield one[same], other[same]


def _ordered(labels: NDArray[np.int64], column: Rows) -> Rows:
    """Return the rows that have a group and a value, by group and then by value."""
    rows = np.flatnonzero((labels >= 0) & (column >= 0))
    return rows[np.lexsort((column[rows], labels[rows]))]

"""Constraint repair: find pairs that violate a cannot-link, and enforce one face per image."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.adaptive_radius import cluster_centroids
from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.constraints import Rows


def find_conflicts(labels: NDArray[np.int64], cannot_link: CannotLink) -> tuple[Rows, Rows]:
    """Return pairs of rows that break a cannot-link.

    All pairs within one image are found; of the other kinds, at least one per broken constraint.
    """
    found = []
    for one, other in _suspects(labels, cannot_link):
        refused = cannot_link.is_refused(one, other)
        found.append((one[refused], other[refused]))
    first, second = zip(*found, strict=True)
    return np.concatenate(first), np.concatenate(second)


def enforce_one_per_image(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], cannot_link: CannotLink
) -> NDArray[np.int64]:
    """Remove faces from a group if the same image has a more similar face of the group.

    Must-link components and anchored faces take precedence over single faces, and are removed as
    a whole. Removed rows get new labels.
    """
    one, other = (cannot_link.roots[rows] for rows in find_conflicts(labels, cannot_link))
    if not len(one):
        return labels
    rivals: dict[int, set[int]] = defaultdict(set)
    for unit, rival in zip(one.tolist(), other.tolist(), strict=True):
        rivals[unit].add(rival)
        rivals[rival].add(unit)
    stay: set[int] = set()
    left = labels.copy()
    for unit in _most_similar_first(
        vectors, labels, cannot_link, units=np.unique(np.concatenate([one, other]))
    ):
        if rivals[unit].isdisjoint(stay):
            stay.add(unit)
        else:
            left[cannot_link.roots == unit] = labels.max() + 1 + unit
    return left


def _most_similar_first(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], cannot_link: CannotLink, *, units: Rows
) -> list[int]:
    rows = np.flatnonzero(np.isin(cannot_link.roots, units))
    groups, group = np.unique(labels[rows], return_inverse=True)
    known = np.searchsorted(groups, labels).clip(max=len(groups) - 1)
    inside = np.where(groups[known] == labels, known, -1)
    centroids = cluster_centroids(vectors, inside, len(groups))
    likeness = np.einsum("ij,ij->i", vectors[rows], centroids[group])
    unit = np.searchsorted(units, cannot_link.roots[rows])
    faces = np.bincount(unit)
    mean = np.bincount(unit, weights=likeness) / faces
    decided = (faces > 1) | (cannot_link.people[units] >= 0)
    return units[np.lexsort((units, -mean, ~decided))].tolist()


def _suspects(labels: NDArray[np.int64], cannot_link: CannotLink) -> Iterator[tuple[Rows, Rows]]:
    """Yield candidate pairs within groups; they include a pair of every conflict of a group."""
    one, other = cannot_link.cannot_link.T
    inside = (labels[one] == labels[other]) & (labels[one] >= 0)
    yield one[inside], other[inside]
    named = _ordered(labels, cannot_link.people)
    same = labels[named[:-1]] == labels[named[1:]]
    yield named[:-1][same], named[1:][same]
    shown = _ordered(labels, cannot_link.images)
    for step in range(1, len(shown)):
        one, other = shown[:-step], shown[step:]
        same = (labels[one] == labels[other]) & (
            cannot_link.images[one] == cannot_link.images[other]
        )
        if not same.any():
            break
        yield one[same], other[same]


def _ordered(labels: NDArray[np.int64], column: Rows) -> Rows:
    """Return the rows that have a group and a value, by group and then by value."""
    rows = np.flatnonzero((labels >= 0) & (column >= 0))
    return rows[np.lexsort((column[rows], labels[rows]))]

"""Unrefined DBSCAN and HDBSCAN labels, repaired only where they break a constraint."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN

from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.dbscan import dbscan_labels
from clustering.grouping.linkage import MergeCriterion, average_linkage
from clustering.grouping.neighbour_pairs import find_neighbour_pairs
from clustering.grouping.repair import enforce_one_per_image, find_conflicts
from clustering.grouping.tiles import Pairs, join_pairs

Algorithm = Literal["dbscan", "hdbscan"]
NOISE = -1
_ANYWHERE = 4.0  # cosine distance, larger than any possible one


def baseline_labels(
    vectors: NDArray[np.float32], *, eps: float, algorithm: Algorithm, min_samples: int
) -> NDArray[np.int64]:
    """Return (n,) labels of (n, d) unit rows by the algorithm alone, -1 for noise."""
    smallest = max(2, min_samples)
    if algorithm == "dbscan" or len(vectors) < smallest:
        return dbscan_labels(vectors, eps=eps, min_samples=min_samples)
    found = HDBSCAN(min_cluster_size=smallest, min_samples=1, copy=True).fit(vectors)
    if found.labels_.max() < 0:
        # HDBSCAN needs at least two groups; for one person or none it finds no cluster.
        return dbscan_labels(vectors, eps=eps, min_samples=min_samples)
    return np.where(found.labels_ < 0, NOISE, found.labels_).astype(np.int64)


def repair_labels(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    cannot_link: CannotLink,
) -> NDArray[np.int64]:
    """Return (n,) labels that keep every constraint; only rows that break one are moved.

    Must-link rows move to the group with most of them, without other rows. A group with a conflict
    is dissolved and merged again by average linkage, as far as the cannot-links allow.
    """
    moved = np.where(cannot_link.is_singleton, NOISE, _apply_must_links(labels, cannot_link.roots))
    torn = np.flatnonzero(np.isin(moved, moved[find_conflicts(moved, cannot_link)[0]]))
    if not len(torn):
        return moved
    pairs = join_pairs([_pairs_of(vectors, rows) for rows in _by_label(torn, moved[torn])])
    rule = MergeCriterion(np.full(len(vectors), _ANYWHERE, dtype=np.float32), pair_penalty=0)
    found = average_linkage(vectors, weights, pairs, rule, cannot_link=cannot_link)
    moved[torn] = moved.max() + 1 + found[torn]
    return enforce_one_per_image(vectors, moved, cannot_link)


def _apply_must_links(labels: NDArray[np.int64], roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move the rows of a component to their most frequent label, the lowest of equals."""
    moved = labels.copy()
    crowded = np.flatnonzero(np.bincount(roots, minlength=len(roots))[roots] > 1)
    for rows in _by_label(crowded, roots[crowded]):
        known = labels[rows][labels[rows] >= 0]
        names, sizes = np.unique(known, return_counts=True)
        moved[rows] = names[np.argmax(sizes)] if len(names) else NOISE
    return moved


def _pairs_of(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> Pairs:
    """List the nearest rows of each row within one group, and a path that connects all rows."""
    near = find_neighbour_pairs(vectors[rows], radius=_ANYWHERE)
    path = Pairs(rows[:-1], rows[1:], np.einsum("ij,ij->i", vectors[rows[:-1]], vectors[rows[1:]]))
    return join_pairs([Pairs(rows[near.first], rows[near.second], near.similarity), path])


def _by_label(rows: NDArray[np.int64], labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split rows by label, keeping their order within a label."""
    order = np.argsort(labels, kind="stable")
    starts = np.unique(labels[order], return_index=True)[1]
    return np.split(rows[order], starts[1:])

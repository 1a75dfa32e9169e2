"""Faces into people: candidates by density, decided by a linkage that cannot chain."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN

from clustering.grouping.agglomeration import Rule, average_linkage
from clustering.grouping.candidates import candidate_pairs
from clustering.grouping.dbscan import dbscan_labels
from clustering.grouping.reach import centroids_of, reach_of

Algorithm = Literal["dbscan", "hdbscan"]
NOISE = -1
# Share of eps that two single faces must be closer than a crowd of pairs. Measured on 2,812 people:
# .2 to .3 are alike, none at all costs .015 pairwise and .02 B-cubed F1.
DOUBT = 0.25
# One reach is measured against a grouping that did not know it yet; a third look changes nothing.
SECOND_LOOKS = 2


@dataclass(frozen=True, eq=False)
class Grouping:
    """Who is who: `labels` (n,) with -1 for noise and 0 for the largest group.

    `similarity` (n,): each face to the centroid of its group, noise to the nearest centroid (0
    where there is none). `cohesion` (k,): its mean over a group. `centroids` (k, d): unit rows.
    `covers` (k,): the face that shows a group best, by quality times similarity.
    """

    labels: NDArray[np.int64]
    similarity: NDArray[np.float32]
    cohesion: NDArray[np.float32]
    centroids: NDArray[np.float32]
    covers: NDArray[np.int64]


def group_faces(
    vectors: NDArray[np.float32],
    *,
    eps: float,
    min_samples: int,
    algorithm: Algorithm = "dbscan",
    quality: NDArray[np.float32] | None = None,
    refine: bool = True,
) -> Grouping:
    """Group (n, d) unit rows into people; `eps` is the embedder's cosine distance.

    A group of fewer than `min_samples` faces is noise. `quality` is 0..1 a face. With `refine`
    off the labels are those of the plain algorithm, renumbered.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    weights = np.ones(len(rows), dtype=np.float32) if quality is None else quality
    if len(rows) < min_samples:
        found = np.full(len(rows), NOISE, dtype=np.int64)
    elif refine:
        found = _refined(
            rows, _trust(weights), eps=eps, algorithm=algorithm, min_samples=min_samples
        )
    else:
        found = _plain(rows, eps=eps, algorithm=algorithm, min_samples=min_samples)
    labels = largest_first(found, min_samples=min_samples)
    return _described(rows, labels, weights.astype(np.float32))


def largest_first(labels: NDArray[np.int64], *, min_samples: int) -> NDArray[np.int64]:
    """Renumber: the largest group is 0, of equal ones the one seen first; too small is noise."""
    kept = np.flatnonzero(labels >= 0)
    _, first, inverse, sizes = np.unique(
        labels[kept], return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -sizes))
    number = np.empty(len(sizes), dtype=np.int64)
    number[order] = np.arange(len(sizes))
    number[sizes < min_samples] = NOISE
    renumbered = np.full(len(labels), NOISE, dtype=np.int64)
    renumbered[kept] = number[inverse]
    return renumbered


def _plain(
    rows: NDArray[np.float32], *, eps: float, algorithm: Algorithm, min_samples: int
) -> NDArray[np.int64]:
    if algorithm == "dbscan":
        return dbscan_labels(rows, eps=eps, min_samples=min_samples)
    found = HDBSCAN(min_cluster_size=max(2, min_samples), min_samples=1, copy=True).fit(rows)
    if found.labels_.max() < 0:
        # HDBSCAN only tells groups apart: it has no answer where there is one person or none.
        return dbscan_labels(rows, eps=eps, min_samples=min_samples)
    return np.where(found.labels_ < 0, NOISE, found.labels_).astype(np.int64)


def _refined(
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    *,
    eps: float,
    algorithm: Algorithm,
    min_samples: int,
) -> NDArray[np.int64]:
    pairs = candidate_pairs(rows, radius=eps)
    if algorithm == "hdbscan":
        plain = _plain(rows, eps=eps, algorithm=algorithm, min_samples=min_samples)
        together = plain[pairs.first] == plain[pairs.second]
        pairs = pairs.chosen(together & (plain[pairs.first] >= 0))
    reach, doubt = np.full(len(rows), eps, dtype=np.float32), DOUBT * eps
    found = average_linkage(rows, weights, pairs, Rule(reach, doubt))
    for _ in range(SECOND_LOOKS):
        nearer = reach_of(rows, found, eps=eps)
        if np.array_equal(nearer, reach):
            break
        reach = nearer
        found = average_linkage(rows, weights, pairs, Rule(reach, doubt))
    return found


def _described(
    rows: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> Grouping:
    count = int(labels.max(initial=NOISE)) + 1
    grouped = np.flatnonzero(labels >= 0)
    centroids = centroids_of(rows, labels, count)
    similarity = _similarity(rows, labels, centroids)
    sizes = np.bincount(labels[grouped], minlength=count)
    sums = np.bincount(labels[grouped], weights=similarity[grouped], minlength=count)
    return Grouping(
        labels=labels,
        similarity=similarity,
        cohesion=(sums / np.maximum(sizes, 1)).astype(np.float32),
        centroids=centroids,
        covers=_covers(labels, similarity * weights, count),
    )


def _similarity(
    rows: NDArray[np.float32], labels: NDArray[np.int64], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    similarity = np.zeros(len(rows), dtype=np.float32)
    if not len(centroids):
        return similarity
    grouped, noise = np.flatnonzero(labels >= 0), np.flatnonzero(labels < 0)
    for some in _portions(grouped):
        similarity[some] = np.einsum("ij,ij->i", rows[some], centroids[labels[some]])
    for some in _portions(noise):
        similarity[some] = _best_product(rows[some], centroids)
    return similarity


def _best_product(rows: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    best = np.full(len(rows), -1, dtype=np.float32)
    for some in _portions(np.arange(len(centroids))):
        np.maximum(best, (rows @ centroids[some].T).max(axis=1), out=best)
    return best


def _portions(places: NDArray[np.int64], *, size: int = 4096) -> list[NDArray[np.int64]]:
    return [places[start : start + size] for start in range(0, len(places), size)]


def _covers(labels: NDArray[np.int64], worth: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    order = np.lexsort((-worth, labels))
    return order[np.searchsorted(labels[order], np.arange(count))]


def _trust(quality: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh a face in the mean of its group: a poor one counts, but for less."""
    return (0.25 + 0.75 * np.clip(quality, 0, 1)).astype(np.float32)

"""Locally adaptive distance threshold: the radius of a face ends where other groups begin.

One global distance threshold fails in large collections: many people are similar by chance, and
blurred faces are close to many people. Lowe's ratio test and the cohorts of speaker verification
(Auckenthaler et al., 2000) compare a distance with those to rivals; here the rivals are the other
groups of a first grouping, one centroid per group, so that a person with a hundred photos is not
a rival of themselves.
"""

import numpy as np
from numpy.typing import NDArray

# The nearest two other groups may be the same person in different light.
NEAREST_SKIPPED = 2
NEAREST_COUNTED = 10
_ROWS_AT_ONCE = 1024
_GROUPS_AT_ONCE = 8192
_NEVER = -2.0  # below any cosine


def adaptive_radius(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], *, eps: float
) -> NDArray[np.float32]:
    """Return (n,) cosine distances: the smaller of `eps` and the distance to other groups.

    The distance to other groups is the mean distance to the centroids of the 3rd to 10th nearest
    ones. With ten groups or fewer there is no meaningful cohort, and the radius is `eps`.
    """
    _, group = np.unique(labels, return_inverse=True)
    centroids = cluster_centroids(vectors, group, int(group.max(initial=-1)) + 1)
    radius = np.full(len(vectors), eps, dtype=np.float32)
    if len(centroids) <= NEAREST_COUNTED:
        return radius
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        rivals = _nearest(vectors[some], group[some], centroids)[:, :-NEAREST_SKIPPED]
        np.minimum(radius[some], 1 - rivals.mean(axis=1), out=radius[some])
    return radius


def cluster_centroids(
    vectors: NDArray[np.float32], group: NDArray[np.int64], count: int
) -> NDArray[np.float32]:
    """Return (count, d) unit centroids of the rows of each group; rows of group -1 are ignored."""
    centroids = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    order = np.argsort(group, kind="stable")[np.count_nonzero(group < 0) :]
    if len(order):
        starts = np.searchsorted(group[order], np.arange(count))
        centroids = np.add.reduceat(vectors[order], starts, axis=0)
    lengths = np.linalg.norm(centroids, axis=1, keepdims=True)
    return (centroids / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)


def _nearest(
    rows: NDArray[np.float32], own: NDArray[np.int64], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return (rows, NEAREST_COUNTED) similarities to the nearest other groups, ascending."""
    best = np.full((len(rows), NEAREST_COUNTED), _NEVER, dtype=np.float32)
    for left in range(0, len(centroids), _GROUPS_AT_ONCE):
        products = rows @ centroids[left : left + _GROUPS_AT_ONCE].T
        mine = np.flatnonzero((own >= left) & (own < left + products.shape[1]))
        products[mine, own[mine] - left] = _NEVER
        if products.shape[1] > NEAREST_COUNTED:
            products.partition(-NEAREST_COUNTED, axis=1)
            products = products[:, -NEAREST_COUNTED:]
        both = np.concatenate([best, products], axis=1)
        both.partition(-NEAREST_COUNTED, axis=1)
        best = both[:, -NEAREST_COUNTED:]
    best.sort(axis=1)
    return best

"""Group faces into people: candidate pairs by distance, merged by average linkage (no chaining)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.adaptive_radius import adaptive_radius, cluster_centroids
from clustering.grouping.baseline import NOISE, Algorithm, baseline_labels, repair_labels
from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.constraints import Constraints
from clustering.grouping.linkage import MergeCriterion, average_linkage
from clustering.grouping.neighbour_pairs import NeighbourPairs, find_neighbour_pairs
from clustering.grouping.repair import enforce_one_per_image
from clustering.grouping.subclusters import find_subclusters, join_subclusters
from clustering.grouping.tiles import Pairs

# Share of eps by which two single faces must be closer than two large groups. Measured on 2,812
# people: .2 to .3 are equally good, 0 costs .015 pairwise and .02 B-cubed F1.
PAIR_PENALTY = 0.25
# Each adaptive radius is measured on the grouping of the previous round; a third round changes
# nothing.
REFINEMENT_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Grouping:
    """Result of a grouping: `labels` (n,) with -1 for noise and 0 for the largest group.

    `similarity` (n,): cosine similarity of each face to the centroid of its group, of noise to the
    nearest centroid (0 without groups). `cohesion` (k,): mean similarity of a group. `centroids`
    (k, d): unit rows. `covers` (k,): row of the best face of a group, by quality times similarity.
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
    constraints: Constraints | None = None,
    candidates: NeighbourPairs = find_neighbour_pairs,
) -> Grouping:
    """Group (n, d) unit rows into people; `eps` is a cosine distance, specific to the embedder.

    A group of fewer than `min_samples` faces is noise. `quality` (n,) is 0..1. Without `refine`
    the labels are those of the baseline algorithm, renumbered. Constraints take precedence over
    everything else: rows with a must-link or an anchor are never noise. Raises Contradiction if
    the constraints cannot all be kept. The refinement takes its pairs from `candidates`; the
    baseline algorithms are defined on all pairs and use all of them.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    weights = np.ones(len(rows), dtype=np.float32) if quality is None else quality
    constraints = Constraints() if constraints is None else constraints
    constraints.check(len(rows))
    held = constraints.held(len(rows))
    if len(rows) < min_samples and not held.any():
        found = np.full(len(rows), NOISE, dtype=np.int64)
    else:
        found = _group(
            rows,
            _trust(weights),
            constraints,
            eps=eps,
            algorithm=algorithm,
            min_samples=min_samples,
            refine=refine,
            candidates=candidates,
        )
    lost = held & (found < 0)
    found[lost] = found.max(initial=NOISE) + 1 + constraints.roots(len(rows))[lost]
    labels = largest_first(found, min_samples=min_samples, held=held)
    return describe_grouping(rows, labels, weights.astype(np.float32))


def largest_first(
    labels: NDArray[np.int64], *, min_samples: int, held: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Renumber groups by size: the largest is 0; ties are ordered by their first row.

    A group of fewer than `min_samples` rows becomes noise, unless one of its rows is marked in
    `held` (n,): rows that a decision keeps from being noise.
    """
    kept = np.flatnonzero(labels >= 0)
    _, first, inverse, sizes = np.unique(
        labels[kept], return_index=True, return_inverse=True, return_counts=True
    )
    stays = sizes >= min_samples
    stays[inverse[held[kept]]] = True
    order = np.lexsort((first, -sizes, ~stays))
    number = np.empty(len(sizes), dtype=np.int64)
    number[order] = np.arange(len(sizes))
    number[~stays] = NOISE
    renumbered = np.full(len(labels), NOISE, dtype=np.int64)
    renumbered[kept] = number[inverse]
    return renumbered


def _group(
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    constraints: Constraints,
    *,
    eps: float,
    algorithm: Algorithm,
    min_samples: int,
    refine: bool,
    candidates: NeighbourPairs,
) -> NDArray[np.int64]:
    """Return (n,) labels that are not renumbered yet."""
    plain = np.empty(0, dtype=np.int64)
    if algorithm == "hdbscan" or not refine:
        plain = baseline_labels(rows, eps=eps, algorithm=algorithm, min_samples=min_samples)
    if not refine:
        return repair_labels(
            rows, weights, plain, cannot_link=CannotLink(rows, constraints, eps=eps)
        )
    pairs = candidates(rows, radius=eps)
    if algorithm == "hdbscan":
        must_link = plain[pairs.first] == plain[pairs.second]
        pairs = pairs.chosen(must_link & (plain[pairs.first] >= 0))
    return _refine(rows, weights, pairs, constraints, eps=eps)


def _refine(
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    pairs: Pairs,
    constraints: Constraints,
    *,
    eps: float,
) -> NDArray[np.int64]:
    radius = np.full(len(rows), eps, dtype=np.float32)
    subclusters = find_subclusters(
        rows, weights, pairs, constraints, eps=eps, pair_penalty=PAIR_PENALTY * eps
    )

    def merged(radius: NDArray[np.float32]) -> NDArray[np.int64]:
        cannot_link = CannotLink(rows, constraints, eps=eps, subclusters=subclusters)
        return average_linkage(
            rows,
            weights,
            pairs,
            MergeCriterion(radius, PAIR_PENALTY * eps),
            cannot_link=cannot_link,
        )

    found = merged(radius)
    for _ in range(REFINEMENT_ROUNDS):
        nearer = adaptive_radius(rows, found, eps=eps)
        if np.array_equal(nearer, radius):
            break
        radius = nearer
        found = merged(radius)
    return enforce_one_per_image(
        rows, join_subclusters(found, constraints), CannotLink(rows, constraints, eps=eps)
    )


def describe_grouping(
    rows: NDArray[np.float32], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> Grouping:
    """Compute the statistics of groups of (n, d) unit rows; ``weights`` (n,) is quality, 0..1."""
    count = int(labels.max(initial=NOISE)) + 1
    grouped = np.flatnonzero(labels >= 0)
    centroids = cluster_centroids(rows, labels, count)
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
    """Weights of faces in the mean of their group, .25 to 1: poor faces count less, but count."""
    return (0.25 + 0.75 * np.clip(quality, 0, 1)).astype(np.float32)

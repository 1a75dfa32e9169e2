"""Faces into people: candidates by density, decided by a linkage that cannot chain."""

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

# Share of eps that two single faces must be closer than a crowd of pairs. Measured on 2,812 people:
# .2 to .3 are alike, none at all costs .015 pairwise and .02 B-cubed F1.
PAIR_PENALTY = 0.25
# One reach is measured against a grouping that did not know it yet; a third look changes nothing.
REFINEMENT_ROUNDS = 2


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
    constraints: Constraints | None = None,
    candidates: NeighbourPairs = find_neighbour_pairs,
) -> Grouping:
    """Group (n, d) unit rows into people; `eps` is the embedder's cosine distance.

    A group of fewer than `min_samples` faces is noise. `quality` is 0..1 a face. With `refine`
    off the labels are those of the plain algorithm, renumbered. No group breaks a constraint,
    whatever the rest says: what is together, or somebody's, is never noise. Constraints that
    cannot all be kept raise Contradiction. The refinement takes its pairs from `candidates`; the
    plain algorithms are defined by all pairs, and look at all.
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
    """Renumber: the largest group is 0, of equal ones the one seen first.

    A group too small is noise, unless it has a row that is `held` (n,).
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
    """Return the labels before they are numbered."""
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
    """Describe groups of (n, d) unit rows by ``labels`` (n,); ``weights`` (n,) is quality, 0..1."""
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
    """Weigh a face in the mean of its group: a poor one counts, but for less."""
    return (0.25 + 0.75 * np.clip(quality, 0, 1)).astype(np.float32)

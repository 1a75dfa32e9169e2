"""Match clusters with profiles: by the centroid, or by a vote of the faces.

Numpy only. Rows are unit vectors, similarity is the cosine, and matrix products are tiled, so that
memory grows with the number of clusters plus profiles, not with their product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

BLOCK_VALUES = 8_000_000  # similarities per tile: 32 MB
NO_PROFILE = -1
CANCELLED = 1e-5  # a sum of unit vectors shorter than this is a rounding error

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


class Reason(StrEnum):
    """Why a cluster is not assigned."""

    BELOW_THRESHOLD = "below_threshold"
    AMBIGUOUS = "ambiguous"
    NO_VECTORS = "no_vectors"


@dataclass(frozen=True)
class Match:
    """The most similar profile of a cluster; ``reason`` says why it is not assigned, or is None.

    ``profile`` and ``runner_up`` are rows of the templates, -1 for none.
    """

    profile: int
    similarity: float
    runner_up: int
    runner_up_similarity: float
    reason: Reason | None = None


@dataclass(frozen=True, eq=False)
class BestTwo:
    """The two most similar templates of each row, (n,) each; -1 for none."""

    first: Rows
    first_similarity: Vectors
    second: Rows
    second_similarity: Vectors


@dataclass(frozen=True, eq=False)
class Rules:
    """Conditions of a match: similarity of at least ``threshold``, with a lead of ``margin``.

    The lead is over the runner-up. ``banned`` are the template rows that a cluster must not be
    matched with, by the cluster's row.
    """

    threshold: float
    margin: float
    banned: Mapping[int, frozenset[int]]


def best_two(vectors: Vectors, templates: Vectors, banned: Mapping[int, Iterable[int]]) -> BestTwo:
    """Return the two most similar templates, of (p, d), for each vector, of (n, d)."""
    count = len(vectors)
    found = BestTwo(
        np.full(count, NO_PROFILE, np.int64),
        np.full(count, -np.inf, np.float32),
        np.full(count, NO_PROFILE, np.int64),
        np.full(count, -np.inf, np.float32),
    )
    if not len(templates):
        return found
    for block in _blocks(count, len(templates)):
        similarity = vectors[block] @ templates.T
        for row in banned.keys() & range(block.start, block.stop):
            similarity[row - block.start, list(banned[row])] = -np.inf
        here = np.arange(len(similarity))
        for place, value in (
            (found.first, found.first_similarity),
            (found.second, found.second_similarity),
        ):
            best = similarity.argmax(axis=1)
            value[block] = similarity[here, best]
            place[block] = np.where(np.isfinite(value[block]), best, NO_PROFILE)
            similarity[here, best] = -np.inf
    return found


def match_centroids(
    sums: Vectors, counts: Rows, templates: Vectors, *, rules: Rules
) -> list[Match]:
    """Match clusters by their centroids.

    ``sums`` (c, d) are the sums of the unit vectors of each cluster's faces, ``counts`` (c,) their
    numbers.
    """
    found = best_two(unit(sums), templates, rules.banned)
    return [
        _judge_matches(found, row, count, rules=rules) for row, count in enumerate(counts.tolist())
    ]


class Votes:
    """Votes of faces per cluster, accumulated over batches of vectors."""

    def __init__(self, clusters: int, templates: Vectors, *, rules: Rules) -> None:
        self._templates = templates
        self._rules = rules
        self._cast: list[dict[int, int]] = [{} for _ in range(clusters)]
        self._similarity: list[dict[int, float]] = [{} for _ in range(clusters)]
        self._voters: list[dict[int, Vectors]] = [{} for _ in range(clusters)]
        self._counts = np.zeros(clusters, np.int64)

    def add(self, vectors: Vectors, clusters: Rows) -> None:
        """Count the votes of faces (n, d) in clusters (n,).

        A face votes for its most similar profile if the similarity reaches the threshold.
        """
        np.add.at(self._counts, clusters, 1)
        banned = {
            row: self._rules.banned[cluster]
            for row, cluster in enumerate(clusters.tolist())
            if cluster in self._rules.banned
        }
        found = best_two(vectors, self._templates, banned)
        for row in np.flatnonzero(found.first_similarity >= self._rules.threshold).tolist():
            cluster, profile = int(clusters[row]), int(found.first[row])
            cast, similarity = self._cast[cluster], self._similarity[cluster]
            voters = self._voters[cluster]
            cast[profile] = cast.get(profile, 0) + 1
            similarity[profile] = similarity.get(profile, 0.0) + float(found.first_similarity[row])
            voters[profile] = voters.get(profile, 0) + vectors[row]

    def matches(self) -> list[Match]:
        """Return the match of each cluster; of profiles with equal votes, the first row wins."""
        winners = [
            max(cast, key=lambda p: (cast[p], -p)) if cast else NO_PROFILE for cast in self._cast
        ]
        return [self._won(cluster, winner) for cluster, winner in enumerate(winners)]

    def _won(self, cluster: int, winner: int) -> Match:
        """Return the match of a cluster; it needs two votes and more than half of those cast."""
        if not self._counts[cluster]:
            return Match(NO_PROFILE, 0.0, NO_PROFILE, 0.0, Reason.NO_VECTORS)
        if winner == NO_PROFILE:
            return Match(NO_PROFILE, 0.0, NO_PROFILE, 0.0, Reason.BELOW_THRESHOLD)
        cast = self._cast[cluster]
        similarity = self._similarity[cluster][winner] / cast[winner]
        mean = self._voters[cluster][winner][None] / np.float32(cast[winner])
        others = {0: self._rules.banned.get(cluster, frozenset()) | {winner}}
        second = best_two(mean.astype(np.float32), self._templates, others)
        reason = None
        if cast[winner] < 2:
            reason = Reason.BELOW_THRESHOLD
        elif 2 * cast[winner] <= sum(cast.values()):
            reason = Reason.AMBIGUOUS
        return _with_margin(
            Match(
                winner,
                similarity,
                int(second.first[0]),
                float(second.first_similarity[0]) if second.first[0] >= 0 else 0.0,
                reason,
            ),
            self._rules,
        )


def unit(vectors: Vectors) -> Vectors:
    """Return rows scaled to unit length, or zeros if they are shorter than CANCELLED."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.where(
        lengths > CANCELLED, vectors / np.maximum(lengths, CANCELLED), 0
    ).astype(np.float32)
    return scaled


def _judge_matches(found: BestTwo, row: int, count: int, *, rules: Rules) -> Match:
    """Return the match of the centroid in a row, with the reason if it is not assigned."""
    if not count:
        return Match(NO_PROFILE, 0.0, NO_PROFILE, 0.0, Reason.NO_VECTORS)
    first, second = int(found.first[row]), int(found.second[row])
    similarity = float(found.first_similarity[row]) if first >= 0 else 0.0
    reached = first >= 0 and similarity >= rules.threshold
    match = Match(
        first,
        similarity,
        second,
        float(found.second_similarity[row]) if second >= 0 else 0.0,
        None if reached else Reason.BELOW_THRESHOLD,
    )
    return _with_margin(match, rules)


def _with_margin(match: Match, rules: Rules) -> Match:
    """Return the match, marked ambiguous if the lead over its runner-up is below the margin."""
    near = match.runner_up >= 0 and match.similarity - match.runner_up_similarity < rules.margin
    if match.reason is None and near:
        return Match(
            match.profile,
            match.similarity,
            match.runner_up,
            match.runner_up_similarity,
            Reason.AMBIGUOUS,
        )
    return match


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices of rows with at most BLOCK_VALUES products, but at least one row."""
    step = max(BLOCK_VALUES // max(columns, 1), 1)
    for first in range(0, rows, step):
        yield slice(first, min(first + step, rows))

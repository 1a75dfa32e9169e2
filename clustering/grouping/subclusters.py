"""Appearance subclusters of one anchored person: separate during linkage, joined at the end.

Faces that reviewers assign to one person may differ a lot: with and without a beard, or a face
that only a human recognises. The mean over such faces resembles none of them, so no new face would
match it, and one outlier would repel the rest. Therefore an anchored person takes part in the
linkage as the groups that linkage alone finds among the person's faces.
"""

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.constraints import Constraints, Rows
from clustering.grouping.linkage import MergeCriterion, average_linkage
from clustering.grouping.tiles import Pairs


def find_subclusters(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    pairs: Pairs,
    constraints: Constraints,
    *,
    eps: float,
    pair_penalty: float,
) -> Rows:
    """Return (n,) the first row of each row's subcluster; most rows are their own.

    Pairs of `constraints.must_link` share a subcluster; the rows of one anchor are split by
    average linkage of their vectors.
    """
    people, subclusters = constraints.people(len(vectors)), constraints.roots(len(vectors))
    decided = np.flatnonzero(people >= 0)
    if not len(decided):
        return subclusters
    row = np.full(len(vectors), -1, dtype=np.int64)
    row[decided] = np.arange(len(decided))
    inside = pairs.chosen(
        (people[pairs.first] >= 0) & (people[pairs.first] == people[pairs.second])
    )
    must_link = row[constraints.must_link]
    found = average_linkage(
        vectors[decided],
        weights[decided],
        Pairs(row[inside.first], row[inside.second], inside.similarity),
        MergeCriterion(np.full(len(decided), eps, dtype=np.float32), pair_penalty),
        cannot_link=CannotLink(
            vectors[decided],
            Constraints(must_link=must_link[(must_link >= 0).all(axis=1)]),
            eps=eps,
        ),
    )
    subclusters[decided] = decided[found]
    return subclusters


def join_subclusters(labels: Rows, constraints: Constraints) -> Rows:
    """Merge the labels of all subclusters of one anchored person; shape (n,)."""
    people = constraints.people(len(labels))
    decided = np.flatnonzero(people >= 0)
    if not len(decided):
        return labels
    order = decided[np.lexsort((labels[decided], people[decided]))]
    _, first, inverse = np.unique(people[order], return_index=True, return_inverse=True)
    stands = np.arange(max(int(labels.max()) + 1, len(labels)))
    stands[labels[order]] = labels[order][first][inverse]
    return stands[labels]

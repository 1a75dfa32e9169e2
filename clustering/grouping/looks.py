"""The looks of a person: groups of their own while groups grow, one person in the end.

Whom people put together may look like two: with and without a beard, or a face that only a person
can place. The mean over both is like neither, so nothing new would come to it, and one strange
face would drive away the rest. So a decided person grows as the groups that linkage sees in it.
"""

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.agglomeration import Rule, average_linkage
from clustering.grouping.bars import Bars
from clustering.grouping.blocks import Pairs
from clustering.grouping.constraints import Constraints, Rows


def looks_of(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    pairs: Pairs,
    law: Constraints,
    *,
    eps: float,
    doubt: float,
) -> Rows:
    """Return (n,) the first row of the look that a row has part in; most are one of their own.

    Pairs of `law.together` share a look; the rows of one anchor are split as their vectors say.
    """
    people, looks = law.people(len(vectors)), law.roots(len(vectors))
    decided = np.flatnonzero(people >= 0)
    if not len(decided):
        return looks
    row = np.full(len(vectors), -1, dtype=np.int64)
    row[decided] = np.arange(len(decided))
    inside = pairs.chosen(
        (people[pairs.first] >= 0) & (people[pairs.first] == people[pairs.second])
    )
    together = row[law.together]
    found = average_linkage(
        vectors[decided],
        weights[decided],
        Pairs(row[inside.first], row[inside.second], inside.similarity),
        Rule(np.full(len(decided), eps, dtype=np.float32), doubt),
        bars=Bars(
            vectors[decided], Constraints(together=together[(together >= 0).all(axis=1)]), eps=eps
        ),
    )
    looks[decided] = decided[found]
    return looks


def looks_joined(labels: Rows, law: Constraints) -> Rows:
    """Return (n,) labels in which whoever came to one look of a person is of that person."""
    people = law.people(len(labels))
    decided = np.flatnonzero(people >= 0)
    if not len(decided):
        return labels
    order = decided[np.lexsort((labels[decided], people[decided]))]
    _, first, inverse = np.unique(people[order], return_index=True, return_inverse=True)
    stands = np.arange(max(int(labels.max()) + 1, len(labels)))
    stands[labels[order]] = labels[order][first][inverse]
    return stands[labels]

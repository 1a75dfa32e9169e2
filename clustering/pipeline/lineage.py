"""Who a new cluster is: the person of the earlier run it continues, or somebody new."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from clustering.decisions.law import Law
from clustering.documents import END_OF_PLACES, NOISE, Cluster, Member, Run
from storage.mongo import iter_fields


def persons_of(
    labels: NDArray[np.int64],
    *,
    ids: list[str],
    run: Run,
    before: dict[str, str],
    anchored: dict[int, str],
    law: Law,
) -> dict[int, str]:
    """Return the person of each label.

    Who a person's decided faces are in is that person. The others continue whom they have most
    faces of, the largest share first; nobody is continued twice.
    """
    found = {int(labels[row]): person for row, person in anchored.items() if labels[row] >= 0}
    taken = set(found.values())
    shared = Counter(
        (int(label), law.root(before[face]))
        for face, label in zip(ids, labels, strict=True)
        if label >= 0 and face in before
    )
    for (label, person), _ in sorted(shared.items(), key=_most_first):
        if label not in found and person not in taken:
            found[label] = person
            taken.add(person)
    for label in range(int(labels.max(initial=-1)) + 1):
        found.setdefault(label, person_new(run.id, f"cluster_{label}"))
    return found


def persons_before(run: Run | None) -> dict[str, str]:
    """Return the person of each face in a run, without its noise."""
    if run is None:
        return {}
    first = f"{run.clusters_run}/"
    where = {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}
    persons = {
        row["label"]: row.get("person") or person_new(run.clusters_run, row["label"])
        for row in iter_fields(Cluster, where, ["label", "person"])
    }
    return {
        row["face"]: persons[row["cluster"]]
        for row in iter_fields(Member, where, ["face", "cluster"])
        if row["cluster"] != NOISE and row["cluster"] in persons
    }


def person_new(run_id: str, label: str) -> str:
    """Return the id of the person whom a cluster is the first of."""
    return sha256(f"{run_id}\t{label}".encode()).hexdigest()[:24]


def _most_first(item: tuple[tuple[int, str], int]) -> tuple[int, int, str]:
    (label, person), count = item
    return -count, label, person

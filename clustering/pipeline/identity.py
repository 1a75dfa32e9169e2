"""Cluster identity across runs: each new cluster continues an earlier person, or is a new one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from clustering.decisions.state import DecisionState
from clustering.documents import NOISE, Cluster, Member, Run
from clustering.pipeline.constraints import RowConstraints
from storage.mongo import iter_fields, prefix_range


def assign_identities(
    labels: NDArray[np.int64],
    *,
    ids: list[str],
    run: Run,
    before: dict[str, str],
    anchored: dict[int, str],
    state: DecisionState,
) -> dict[int, str]:
    """Return the person of each label.

    A cluster with anchored faces of a person is that person. The other clusters are matched to
    earlier persons greedily by the number of common faces, largest first, each person once.
    """
    found = {int(labels[row]): person for row, person in anchored.items() if labels[row] >= 0}
    taken = set(found.values())
    shared = Counter(
        (int(label), state.root(before[face]))
        for face, label in zip(ids, labels, strict=True)
        if label >= 0 and before.get(face, NOISE) != NOISE
    )
    for (label, person), _ in sorted(shared.items(), key=_most_first):
        if label not in found and person not in taken:
            found[label] = person
            taken.add(person)
    for label in range(int(labels.max(initial=-1)) + 1):
        found.setdefault(label, new_person(run.id, f"cluster_{label}"))
    return found


def previous_identities(run: Run | None) -> dict[str, str]:
    """Return the person of each face in a run, NOISE for unmatched faces."""
    if run is None:
        return {}
    first = f"{run.clusters_run}/"
    where = {"place": prefix_range(first)}
    persons = {
        row["label"]: row.get("person") or new_person(run.clusters_run, row["label"])
        for row in iter_fields(Cluster, where, ["label", "person"])
    } | {NOISE: NOISE}
    return {
        row["face"]: persons[row["cluster"]]
        for row in iter_fields(Member, where, ["face", "cluster"])
        if row["cluster"] in persons
    }


def changes_of(
    labels: NDArray[np.int64], *, ids: list[str], before: dict[str, str], persons: dict[int, str]
) -> dict[str, int]:
    """Count merged and split clusters, moved and new faces against an earlier grouping."""
    came_from: dict[str, set[str]] = defaultdict(set)
    went_to: dict[str, set[str]] = defaultdict(set)
    counts = Counter[str](moved_faces=0, new_faces=0)
    for face, label in zip(ids, labels.tolist(), strict=True):
        now, was = persons.get(label, NOISE), before.get(face)
        if was is None:
            counts["new_faces"] += 1
            continue
        counts["moved_faces"] += was != now
        if NOISE not in (was, now):
            came_from[now].add(was)
            went_to[was].add(now)
    counts["merged_clusters"] = sum(len(some) > 1 for some in came_from.values())
    counts["split_clusters"] = sum(len(some) > 1 for some in went_to.values())
    return dict(counts)


def decisions_broken_by(
    labels: NDArray[np.int64], persons: Mapping[int, str], decided: RowConstraints
) -> int:
    """Count the faces whose cluster contradicts a decision; expected to be 0."""
    state, anchors = decided.state, decided.state.anchors()
    broken = 0
    for face, row in decided.rows.items():
        person = persons.get(int(labels[row]), NOISE)
        if face in anchors:
            broken += person != anchors[face]
        elif person != NOISE:
            broken += face in state.singletons or state.is_rejected(face, person)
    return broken


def new_person(run_id: str, label: str) -> str:
    """Return the id of a new person, derived from its first cluster."""
    return sha256(f"{run_id}\t{label}".encode()).hexdigest()[:24]


def _most_first(item: tuple[tuple[int, str], int]) -> tuple[int, int, str]:
    (label, person), count = item
    return -count, label, person

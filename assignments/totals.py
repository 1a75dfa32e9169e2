"""Counts over assignments: in total, by person, by collection, by strategy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assignments.documents import Assignment


@dataclass(frozen=True)
class Totals:
    """Numbers of clusters and faces, and the average similarity of the clusters."""

    clusters: int
    faces: int
    average_similarity: float


@dataclass(frozen=True)
class UserTotals:
    """Totals of a person over all collections, and by path of the collection."""

    user_id: str
    total: Totals
    by_collection: dict[str, Totals]


@dataclass(frozen=True)
class Statistics:
    """Totals of all assignments, and by the value of a field."""

    total: Totals
    per_user: dict[str, Totals]
    per_collection: dict[str, Totals]
    per_strategy: dict[str, Totals]


def count_user(user_id: str, assignments: Iterable[Assignment]) -> UserTotals:
    """Count the assignments of a person; collections are in the order of the assignments."""
    mine = list(assignments)
    return UserTotals(user_id, count(mine), _count_by(mine, "collection"))


def count_all(assignments: Iterable[Assignment]) -> Statistics:
    """Count assignments in total, per person, per collection and per strategy."""
    rows = list(assignments)
    return Statistics(
        count(rows),
        per_user=_sorted(_count_by(rows, "user_id")),
        per_collection=_sorted(_count_by(rows, "collection")),
        per_strategy=_sorted(_count_by(rows, "strategy")),
    )


def count(assignments: list[Assignment]) -> Totals:
    """Count assignments."""
    similarity = sum(one.similarity for one in assignments)
    return Totals(
        clusters=len(assignments),
        faces=sum(one.face_count for one in assignments),
        average_similarity=similarity / len(assignments) if assignments else 0.0,
    )


def _count_by(assignments: list[Assignment], name: str) -> dict[str, Totals]:
    groups: dict[str, list[Assignment]] = {}
    for one in assignments:
        groups.setdefault(str(getattr(one, name)), []).append(one)
    return {value: count(rows) for value, rows in groups.items()}


def _sorted(totals: dict[str, Totals]) -> dict[str, Totals]:
    return dict(sorted(totals.items()))

"""Responses to requests about assignments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from django.utils import timezone

from assignments.documents import Assignment, Strategy
from assignments.match_run import RunMatches
from assignments.matching import Match
from assignments.services import Assigned
from clustering.documents import Run
from web.rest import format_time

SHOWN = 10


class RunnerUp(TypedDict):
    """The second most similar person."""

    user_id: str
    similarity: float


class AssignedCluster(TypedDict):
    """A matched cluster: the person, and the most typical faces."""

    user_id: str
    similarity: float
    face_count: int
    image_paths: list[str]
    face_ids: list[str]
    runner_up: RunnerUp | None


class MatchResult(TypedDict):
    """The result of a matching; `kept` is the number of existing assignments left unchanged."""

    clustering_id: str
    bucket_path: str
    threshold: float
    margin: float
    strategy: str
    dry_run: bool
    total_clusters: int
    assigned_clusters: int
    unassigned_clusters: int
    assignments: dict[str, AssignedCluster]
    unassigned_cluster_ids: list[str]
    unassigned_reasons: dict[str, str]
    saved_to_db: bool
    kept: int
    removed: int
    timestamp: str


class AssignmentRow(TypedDict):
    """The assignment of a cluster to a person, and who decided it."""

    id: str
    clustering_id: str
    bucket_path: str
    cluster_id: str
    user_id: str
    similarity: float
    strategy: str
    face_count: int
    decided_by: str
    state: str
    runner_up: RunnerUp | None
    rejected: list[str]
    version: int
    created_at: str
    updated_at: str


class RunAssignments(TypedDict):
    """The assignments of a run, in the order of its clusters."""

    clustering_id: str
    bucket_path: str
    total_assignments: int
    assignments: list[AssignmentRow]
    next: str | None


class AssignmentRows(TypedDict):
    """A page of filtered assignments; with `next`, it may have fewer rows than the limit."""

    assignments: list[AssignmentRow]
    next: str | None


class ExportedAssignments(TypedDict):
    """All assignments of a run, of a collection, or of all current runs."""

    assignments: list[AssignmentRow]


class BucketPart(TypedDict):
    """The numbers of clusters and faces of a person in a collection."""

    clusters: int
    faces: int


class UserCluster(TypedDict):
    """A cluster assigned to a person."""

    id: str
    clustering_id: str
    cluster_id: str
    bucket_path: str
    similarity: float
    face_count: int
    decided_by: str
    state: str
    created_at: str


class UserTotals(TypedDict):
    """Totals of a person over all collections."""

    user_id: str
    total_clusters: int
    total_faces: int
    average_similarity: float
    bucket_breakdown: dict[str, BucketPart]


class UserAssignments(UserTotals):
    """A page of a person's clusters, the newest first; totals are over all pages."""

    assignments: list[UserCluster]
    next: str | None


class DeletedAssignments(TypedDict):
    """The number of deleted assignments of a run."""

    clustering_id: str
    deleted_count: int


class Counted(TypedDict):
    """Numbers of clusters and faces, and the average similarity of the clusters."""

    clusters: int
    faces: int
    average_similarity: float


class Statistics(TypedDict):
    """Statistics of the assignments of current runs."""

    total: Counted
    per_user: dict[str, Counted]
    per_collection: dict[str, Counted]
    per_strategy: dict[str, Counted]


def match_json(
    run: Run,
    found: RunMatches,
    done: Assigned,
    *,
    strategy: Strategy,
    dry_run: bool,
    typical: Mapping[str, list[tuple[str, str]]],
) -> MatchResult:
    """Return the response for a matching; ``typical`` has (face id, photo key) per label."""
    sizes = {cluster.label: cluster.face_count for cluster in found.clusters}
    return {
        "clustering_id": run.id,
        "bucket_path": run.collection,
        "threshold": found.rules.threshold,
        "margin": found.rules.margin,
        "strategy": strategy.value,
        "dry_run": dry_run,
        "total_clusters": len(found.clusters),
        "assigned_clusters": len(done.matches),
        "unassigned_clusters": len(done.reasons),
        "assignments": {
            label: _assigned_json(match, found, sizes[label], typical[label])
            for label, match in done.matches.items()
        },
        "unassigned_cluster_ids": list(done.reasons),
        "unassigned_reasons": {label: reason.value for label, reason in done.reasons.items()},
        "saved_to_db": not dry_run,
        "kept": done.kept,
        "removed": done.removed,
        "timestamp": format_time(timezone.now()),
    }


def assignment_json(one: Assignment, *, clustering_id: str) -> AssignmentRow:
    """Return the response for an assignment."""
    return {
        "id": one.id,
        "clustering_id": clustering_id,
        "bucket_path": one.collection,
        "cluster_id": one.cluster,
        "user_id": one.user_id,
        "similarity": one.similarity,
        "strategy": one.strategy.value,
        "face_count": one.face_count,
        "decided_by": one.decided_by,
        "state": one.state.value,
        "runner_up": _runner_up(one),
        "rejected": list(one.rejected),
        "version": one.version,
        "created_at": format_time(one.created_at),
        "updated_at": format_time(one.updated_at),
    }


def user_cluster_json(one: Assignment, *, clustering_id: str) -> UserCluster:
    """Return the response for a person's cluster."""
    return {
        "id": one.id,
        "clustering_id": clustering_id,
        "cluster_id": one.cluster,
        "bucket_path": one.collection,
        "similarity": one.similarity,
        "face_count": one.face_count,
        "decided_by": one.decided_by,
        "state": one.state.value,
        "created_at": format_time(one.created_at),
    }


def user_totals_json(user_id: str, assignments: Iterable[Assignment]) -> UserTotals:
    """Return the totals of a person over all collections."""
    mine = list(assignments)
    breakdown: dict[str, BucketPart] = {}
    for one in mine:
        part = breakdown.setdefault(one.collection, {"clusters": 0, "faces": 0})
        part["clusters"] += 1
        part["faces"] += one.face_count
    total = counted_json(mine)
    return {
        "user_id": user_id,
        "total_clusters": total["clusters"],
        "total_faces": total["faces"],
        "average_similarity": total["average_similarity"],
        "bucket_breakdown": breakdown,
    }


def statistics_json(assignments: Iterable[Assignment]) -> Statistics:
    """Return counts in total, per person, per collection and per strategy."""
    all_of = list(assignments)
    return {
        "total": counted_json(all_of),
        "per_user": _counted_by(all_of, "user_id"),
        "per_collection": _counted_by(all_of, "collection"),
        "per_strategy": _counted_by(all_of, "strategy"),
    }


def counted_json(some: list[Assignment]) -> Counted:
    """Return the counts of some assignments."""
    mean = sum(one.similarity for one in some) / len(some) if some else 0.0
    return {
        "clusters": len(some),
        "faces": sum(one.face_count for one in some),
        "average_similarity": round(mean, 6),
    }


def _counted_by(some: list[Assignment], name: str) -> dict[str, Counted]:
    """Return counts grouped by the value of a field."""
    groups: dict[str, list[Assignment]] = {}
    for one in some:
        groups.setdefault(str(getattr(one, name)), []).append(one)
    return {value: counted_json(groups[value]) for value in sorted(groups)}


def _assigned_json(
    match: Match, found: RunMatches, size: int, typical: list[tuple[str, str]]
) -> AssignedCluster:
    runner_up: RunnerUp | None = None
    if match.runner_up >= 0:
        runner_up = {
            "user_id": found.user_ids[match.runner_up],
            "similarity": round(match.runner_up_similarity, 6),
        }
    return {
        "user_id": found.user_ids[match.profile],
        "similarity": round(match.similarity, 6),
        "face_count": size,
        "image_paths": list(dict.fromkeys(key for _, key in typical)),
        "face_ids": [face for face, _ in typical],
        "runner_up": runner_up,
    }


def _runner_up(one: Assignment) -> RunnerUp | None:
    if not one.runner_up:
        return None
    return {"user_id": one.runner_up, "similarity": one.runner_up_similarity}

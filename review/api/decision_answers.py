"""Responses to requests about decisions."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from clustering.decisions.documents import Decision
from web.rest import format_time

FACES_SHOWN = 1000


class DecisionRow(TypedDict):
    """A decision; `moved` is the number of moved faces, `faces` has at most 1,000 of its faces."""

    id: str
    number: int
    bucket_path: str
    kind: str
    by: str
    at: str
    clustering_id: str
    faces: list[str]
    face_count: int
    moved: int
    person: str
    other: str
    new_cluster_id: str
    user_id: str
    undoes: str
    is_undone: bool


class DecisionResult(TypedDict):
    """The result of one of several decisions: made, or rejected with a reason."""

    status: int
    decision: NotRequired[DecisionRow]
    detail: NotRequired[str]
    code: NotRequired[str]
    changed: NotRequired[list[dict[str, str]]]
    chain: NotRequired[list[str]]
    later: NotRequired[list[str]]


class DecisionResults(TypedDict):
    """The result of each decision, in the order of the request."""

    bucket_path: str
    dry_run: bool
    made: int
    refused: int
    results: list[DecisionResult]


class DecisionRows(TypedDict):
    """A page of decisions, the newest first."""

    decisions: list[DecisionRow]
    next: str | None


def decision_json(decision: Decision, *, is_undone: bool = False) -> DecisionRow:
    """Return the response for a decision."""
    faces = list(decision.faces or decision.moved)
    return {
        "id": decision.id,
        "number": decision.seq,
        "bucket_path": decision.collection,
        "kind": decision.kind.value,
        "by": decision.by,
        "at": format_time(decision.at),
        "clustering_id": decision.run,
        "faces": faces[:FACES_SHOWN],
        "face_count": len(faces),
        "moved": len(decision.moved),
        "person": decision.person,
        "other": decision.other,
        "new_cluster_id": decision.label,
        "user_id": decision.user,
        "undoes": decision.undoes,
        "is_undone": is_undone,
    }

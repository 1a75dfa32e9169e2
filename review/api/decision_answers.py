"""What requests about decisions are answered with."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from clustering.decisions.documents import Decision
from web.rest import format_time

FACES_SHOWN = 1000


class DecisionRow(TypedDict):
    """A decision; `moved` says how many faces it moved, `faces` names at most 1,000 it is about."""

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
    """What became of one of several decisions: made, or refused with the reason."""

    status: int
    decision: NotRequired[DecisionRow]
    detail: NotRequired[str]
    code: NotRequired[str]
    changed: NotRequired[list[dict[str, str]]]
    chain: NotRequired[list[str]]
    later: NotRequired[list[str]]


class DecisionResults(TypedDict):
    """What became of each decision, in the order asked for."""

    bucket_path: str
    dry_run: bool
    made: int
    refused: int
    results: list[DecisionResult]


class DecisionRows(TypedDict):
    """Decisions, the newest first."""

    decisions: list[DecisionRow]
    next: str | None


def decision_json(decision: Decision, *, is_undone: bool = False) -> DecisionRow:
    """Return a decision."""
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

"""REST resources of decisions: make one or several, read, undo, list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from assignments.services import record_decision
from clustering.decisions.commands import DecisionCommand
from clustering.decisions.documents import Decision
from clustering.decisions.errors import (
    ContradictsDecisions,
    NoSuchDecision,
    NothingToDecide,
    NotUndoable,
    OtherCollection,
    SameCluster,
    StaleDecision,
)
from clustering.decisions.event_log import decision_state, get_decision, list_newest_decisions
from clustering.decisions.events import EventKind
from clustering.errors import NoSuchCluster, NoSuchFace, NoSuchRun
from clustering.selectors import get_collection, get_run
from profiles.errors import NoSuchProfile
from review.api import examples
from review.api.outputs import (
    DecisionResultOutput,
    DecisionResultsOutput,
    DecisionRowOutput,
    DecisionRowsOutput,
)
from review.decision_serializers import ActivityQuery, DecisionsInput, UndoInput, asked_of
from storage.errors import InvalidName, StorageError, Unavailable
from storage.names import CollectionName
from web.auth import caller_name
from web.errors import refusal_from
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_json, parse_query
from web.schema import operation

BODY_BYTES = 8_000_000  # 20,000 faces with their versions
NOT_FOUND = (InvalidName, NoSuchRun, NoSuchFace, NoSuchCluster, NoSuchProfile)
REFUSED = (NothingToDecide, OtherCollection, SameCluster, StaleDecision, ContradictsDecisions)


class DecisionsApi(Api):
    """Decisions about the faces and clusters of a collection."""

    def body_limit(self) -> int:
        """Return the limit in bytes, large enough for decisions about many faces."""
        return BODY_BYTES

    @operation(
        "Decide",
        json=DecisionsInput,
        body_example={
            "collection": "photos/summer-2024",
            "decisions": [
                {
                    "kind": "reject",
                    "faces": ["1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11"],
                    "cluster": "cluster_0",
                    "versions": {"cluster_0": 3},
                }
            ],
        },
        answers={201: DecisionResultsOutput, 200: DecisionResultsOutput},
        example=lambda: _results(examples.COLLECTION, [_result(examples.DECISION)], dry_run=False),
        refuses=(*NOT_FOUND, *REFUSED),
        tag="decisions",
    )
    def post(self, request: Request) -> Response:
        """Make one decision (201, or an error), or several (200, with a result for each).

        A decision is stored permanently, takes effect at once, and constrains every later run.
        """
        given = parse_json(request, DecisionsInput).validated_data
        path = CollectionName.parse(given["collection"]).path
        get_collection(path)
        named = given.get("clustering_id", "")
        run = get_run(named, collection=path).clusters_run if named else ""
        asked = [asked_of(item, run=run) for item in given["decisions"]]
        dry_run, by = given["dry_run"], caller_name(request)
        if len(asked) == 1:
            results = [_made(path, asked[0], by=by, dry_run=dry_run)]
        else:
            results = [_tried(path, one, by=by, dry_run=dry_run) for one in asked]
        body = _results(path, results, dry_run=dry_run)
        return Response(body, status=201 if len(asked) == 1 and not dry_run else 200)


class DecisionApi(Api):
    """One decision."""

    @operation(
        "Read a decision",
        answers={200: DecisionRowOutput},
        example=examples.decision,
        refuses=(NoSuchDecision,),
        tag="decisions",
    )
    def get(self, request: Request, decision_id: str) -> Response:
        """Return a decision, its author, and whether it was undone."""
        return Response(_row(get_decision(decision_id)))


class DecisionUndoApi(Api):
    """The undo of a decision."""

    @operation(
        "Undo a decision",
        json=UndoInput,
        body_example={"dry_run": False},
        answers={201: DecisionRowOutput, 200: DecisionRowOutput},
        example=lambda: examples.decision(
            id="0f3a9b1c2d4e5f6700000013", number=13, kind="undo", undoes=examples.DECISION.id
        ),
        refuses=(NoSuchDecision, NoSuchRun, NotUndoable, ContradictsDecisions),
        tag="decisions",
    )
    def post(self, request: Request, decision_id: str) -> Response:
        """Undo a decision, or an undo, by a new decision; faces return to their old clusters."""
        dry_run = parse_json(request, UndoInput).validated_data["dry_run"]
        decision = get_decision(decision_id)
        undo = record_decision(
            decision.collection,
            DecisionCommand(kind=EventKind.UNDO, undoes=decision.id),
            by=caller_name(request),
            dry_run=dry_run,
        )
        return Response(DecisionRowOutput.render(undo), status=200 if dry_run else 201)


class ActivityApi(Api):
    """The event log of a collection."""

    @operation(
        "Read the activity",
        query=ActivityQuery,
        answers={200: DecisionRowsOutput},
        example=lambda: DecisionRowsOutput.render(decisions=[examples.DECISION], next=None),
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="decisions",
    )
    def get(self, request: Request) -> Response:
        """Return the newest decisions about a collection; filters apply within a page."""
        query = parse_query(request, ActivityQuery).validated_data
        path, limit = CollectionName.parse(query["collection"]).path, query["limit"]
        get_collection(path)
        before = decode_cursor(query.get("cursor"), within=f"{path}\t")
        found = list_newest_decisions(path, before=before, limit=limit + 1)
        page = found[:limit]
        return Response(
            DecisionRowsOutput.render(
                decisions=[_row(one) for one in page if _fits(one, query)],
                next=encode_cursor(page[-1].sort_key) if len(found) > limit else None,
            )
        )


def _results(path: str, results: list[Answer], *, dry_run: bool) -> Answer:
    made = sum(one["status"] == 201 for one in results)
    return DecisionResultsOutput.render(
        bucket_path=path,
        dry_run=dry_run,
        made=made,
        refused=len(results) - made,
        results=results,
    )


def _result(decision: Decision) -> Answer:
    return DecisionResultOutput.render(status=201, decision=decision)


def _made(path: str, asked: DecisionCommand, *, by: str, dry_run: bool) -> Answer:
    """Make a decision; raise the error if it is rejected."""
    decision = record_decision(path, asked, by=by, dry_run=dry_run)
    return _result(decision)


def _tried(path: str, asked: DecisionCommand, *, by: str, dry_run: bool) -> Answer:
    """Make a decision, or return its error as a result; an unavailable store ends the request."""
    try:
        return _made(path, asked, by=by, dry_run=dry_run)
    except Unavailable:
        raise
    except StorageError as error:
        refusal = refusal_from(error)
        if refusal is None:
            raise
        return DecisionResultOutput.render(status=refusal.status, **refusal.body())


def _row(decision: Decision) -> Answer:
    with decision_state(decision.collection) as state:
        is_undone = not state.is_active(decision.id)
        return DecisionRowOutput.render(decision, is_undone=is_undone)


def _fits(decision: Decision, query: Mapping[str, Any]) -> bool:
    return all(
        str(getattr(decision, name)) == query[name] for name in ("by", "kind") if query.get(name)
    )

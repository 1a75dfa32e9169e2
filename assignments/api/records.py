"""Single assignments: listed, made by hand, read, changed, deleted, counted, exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from assignments import answers, serializers
from assignments.api import examples
from assignments.by_hand import assignment_change, assignment_create, assignment_delete
from assignments.documents import Assignment, AssignmentState
from assignments.edge import held_now, run_named, runs_by_groups
from assignments.errors import (
    AssignmentExists,
    NoSuchAssignment,
    NotAPerson,
    NotCurrent,
    StaleAssignment,
)
from assignments.selectors import (
    assignment_get,
    assignments_after,
    assignments_all,
    assignments_of_run,
    assignments_of_user,
    assignments_page,
)
from clustering.decisions.errors import Contradicts
from clustering.documents import Run
from clustering.errors import NoSuchCluster, NoSuchRun
from clustering.selectors import cluster_get, run_current
from profiles.errors import NoSuchProfile
from profiles.selectors import profile_get
from storage.errors import InvalidName
from storage.names import CollectionName
from web.api import Api, json_of, query_of
from web.auth import caller_name
from web.export import csv_lines, json_lines
from web.negotiation import OneKind
from web.paging import BadCursor, cursor_decode, cursor_encode
from web.schema import operation


class AssignmentsApi(Api):
    """All assignments."""

    @operation(
        "List assignments",
        query=serializers.ListQuery,
        answers={200: answers.AssignmentRows},
        example={"assignments": [examples.ROW], "next": None},
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of the assignments that fit all filters."""
        query = query_of(request, serializers.ListQuery).validated_data
        runs = runs_by_groups(history=True)
        run = _run_asked(query)
        found, place = _looked_at(query, run, limit=query["limit"])
        body: answers.AssignmentRows = {
            "assignments": [
                answers.assignment_json(one, clustering_id=runs.get(one.run, one.run))
                for one in found
                if _fits(one, query, run)
            ],
            "next": cursor_encode(place) if place else None,
        }
        return Response(body)

    @operation(
        "Assign a cluster by hand",
        json=serializers.AssignmentInput,
        body_example={
            "clustering_id": examples.RUN,
            "cluster_id": "cluster_0",
            "user_id": "ada.lovelace",
        },
        answers={201: answers.AssignmentRow},
        example=examples.ROW,
        refuses=(
            NoSuchRun,
            NoSuchCluster,
            NoSuchProfile,
            AssignmentExists,
            NotAPerson,
            NotCurrent,
            Contradicts,
        ),
        tag="assignments",
    )
    def post(self, request: Request) -> Response:
        """Say whose a cluster is; the machine never changes that."""
        given = json_of(request, serializers.AssignmentInput).validated_data
        run = run_named(given["clustering_id"])
        made = assignment_create(
            run,
            cluster_get(run, given["cluster_id"]),
            profile_get(given["user_id"]).user_id,
            by=caller_name(request),
            overwrite=given["overwrite"],
        )
        return Response(answers.assignment_json(made, clustering_id=run.id), status=201)


class AssignmentApi(Api):
    """One assignment."""

    @operation(
        "Read an assignment",
        answers={200: answers.AssignmentRow},
        example=examples.ROW,
        refuses=(NoSuchAssignment,),
        tag="assignments",
    )
    def get(self, request: Request, assignment_id: str) -> Response:
        """Answer with whose a cluster is and who decided that."""
        return Response(_row(assignment_get(assignment_id)))

    @operation(
        "Change an assignment",
        json=serializers.AssignmentChange,
        body_example={"state": "confirmed", "version": 1},
        answers={200: answers.AssignmentRow},
        example={**examples.ROW, "state": "confirmed", "decided_by": "eve", "version": 2},
        refuses=(NoSuchAssignment, NoSuchProfile, StaleAssignment, NotCurrent, Contradicts),
        tag="assignments",
    )
    def patch(self, request: Request, assignment_id: str) -> Response:
        """Name somebody else, agree, or refuse; whoever is refused is never proposed again."""
        given = json_of(request, serializers.AssignmentChange).validated_data
        assignment = assignment_get(assignment_id)
        user_id, state = given.get("user_id"), given.get("state")
        changed = assignment_change(
            assignment,
            user_id=profile_get(user_id).user_id if user_id else None,
            state=AssignmentState(state) if state else None,
            version=given.get("version"),
            by=caller_name(request),
        )
        return Response(_row(changed))

    @operation(
        "Delete an assignment",
        query=serializers.VersionQuery,
        answers={204: None},
        refuses=(NoSuchAssignment, StaleAssignment, Contradicts),
        tag="assignments",
    )
    def delete(self, request: Request, assignment_id: str) -> Response:
        """Forget whose a cluster is; the next matching may say it again."""
        query = query_of(request, serializers.VersionQuery).validated_data
        assignment_delete(
            assignment_get(assignment_id), version=query.get("version"), by=caller_name(request)
        )
        return Response(status=204)


class AssignmentStatsApi(Api):
    """How many there are, by person, by collection, by strategy."""

    @operation(
        "Count the assignments",
        answers={200: answers.Statistics},
        example=examples.STATISTICS,
        tag="assignments",
    )
    def get(self, request: Request) -> Response:
        """Answer with counts over the runs that readers see."""
        held = held_now(assignments_all(), runs_by_groups())
        return Response(answers.statistics_json(held))


class AssignmentExportApi(Api):
    """Assignments as a file."""

    content_negotiation_class = OneKind

    @operation(
        "Export assignments",
        query=serializers.ExportQuery,
        answers={
            (200, "text/csv"): {"type": "string", "description": "A row a line."},
            (200, "application/json"): answers.ExportedAssignments,
        },
        example={"assignments": [examples.ROW]},
        refuses=(InvalidName, NoSuchRun),
        tag="export",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream the assignments of a run, of a collection, or of all that readers see."""
        query = query_of(request, serializers.ExportQuery).validated_data
        rows = _rows(query)
        as_csv = query["format"] == "csv"
        names = list(answers.AssignmentRow.__annotations__)
        return StreamingHttpResponse(
            csv_lines(names, rows) if as_csv else json_lines(rows, name="assignments"),
            content_type="text/csv; charset=utf-8" if as_csv else "application/json",
            headers={
                "Content-Disposition": f'attachment; filename="assignments.{query["format"]}"'
            },
        )


def _row(one: Assignment) -> answers.AssignmentRow:
    """Return an assignment under the run that readers know it by."""
    runs = runs_by_groups(history=True)
    return answers.assignment_json(one, clustering_id=runs.get(one.run, one.run))


def _looked_at(
    query: Mapping[str, Any], run: Run | None, *, limit: int
) -> tuple[list[Assignment], str]:
    """Return a page of assignments to look at, and the place to go on from, "" at the end.

    The narrowest filter that has an order of its own drives; the others choose among the page.
    """
    cursor = query.get("cursor")
    if user_id := query.get("user_id"):
        before = cursor_decode(cursor, within=f"{user_id}\t")
        page = _first(assignments_of_user(user_id, before=before), limit + 1)
        return _cut(page, limit, "user_place")
    if run is not None:
        after = cursor_decode(cursor, within=f"{run.clusters_run}/")
        page = assignments_page(run.clusters_run, after=after, limit=limit + 1)
    else:
        page = assignments_after(cursor_decode(cursor, within=""), limit=limit + 1)
    return _cut(page, limit, "place")


def _run_asked(query: Mapping[str, Any]) -> Run | None:
    """Return the run a query names, or that readers see of its collection, None without either."""
    path = CollectionName.parse(query["collection"]).path if query.get("collection") else ""
    if not query.get("run"):
        return run_current(path) if path else None
    run = run_named(query["run"])
    if path not in ("", run.collection):
        raise NoSuchRun(f"{path} has no run {run.id}.")
    return run


def _first(some: Iterator[Assignment], count: int) -> list[Assignment]:
    return [one for one, _ in zip(some, range(count), strict=False)]


def _cut(page: list[Assignment], limit: int, field: str) -> tuple[list[Assignment], str]:
    """Return a page and where it ended, if there is more."""
    more = len(page) > limit
    return page[:limit], getattr(page[limit - 1], field) if more else ""


def _fits(one: Assignment, query: Mapping[str, Any], run: Run | None) -> bool:
    """Say whether an assignment passes all filters."""
    return (run is None or one.run == run.clusters_run) and all(
        str(getattr(one, name)) == str(query[name])
        for name in ("user_id", "state", "strategy")
        if query.get(name)
    )


def _rows(query: Mapping[str, Any]) -> Iterator[answers.AssignmentRow]:
    """Return what an export holds; a run that is not there is refused before the first line."""
    run = _run_asked(query)
    if run is not None:
        some = assignments_of_run(run.clusters_run)
        return (answers.assignment_json(one, clustering_id=run.id) for one in some)
    runs = runs_by_groups()
    some = (one for one in assignments_all() if one.run in runs)
    return (answers.assignment_json(one, clustering_id=runs[one.run]) for one in some)

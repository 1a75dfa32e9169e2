"""REST resources of single assignments: list, create, read, change, delete, count, export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from assignments import serializers
from assignments.api import examples
from assignments.api.outputs import (
    AssignmentRowOutput,
    AssignmentRowsOutput,
    ExportedAssignmentsOutput,
    StatisticsOutput,
)
from assignments.documents import Assignment, AssignmentState
from assignments.errors import (
    AssignmentExists,
    NoSuchAssignment,
    NotAPerson,
    NotCurrent,
    StaleAssignment,
)
from assignments.manual import change_assignment, create_assignment, delete_assignment
from assignments.selectors import (
    get_assignment,
    get_kept_run,
    iter_assignments,
    iter_assignments_after,
    iter_current_assignments,
    list_assignments,
    list_run_assignments,
    list_user_assignments,
    map_groups_to_runs,
)
from assignments.totals import count_all
from clustering.decisions.errors import ContradictsDecisions
from clustering.documents import Run
from clustering.errors import NoSuchCluster, NoSuchRun
from clustering.selectors import current_run, get_cluster
from profiles.errors import NoSuchProfile
from profiles.selectors import get_profile
from storage.errors import InvalidName
from storage.names import CollectionName
from web.auth import caller_name
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.parsers import OneKind
from web.rest import Api, parse_json, parse_query
from web.schema import operation
from web.streaming import iter_csv_lines, iter_json_lines


class AssignmentsApi(Api):
    """All assignments."""

    @operation(
        "List assignments",
        query=serializers.ListQuery,
        answers={200: AssignmentRowsOutput},
        example=lambda: AssignmentRowsOutput.render(assignments=[examples.row()], next=None),
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request) -> Response:
        """Return a page of the assignments that pass all filters."""
        query = parse_query(request, serializers.ListQuery).validated_data
        runs = map_groups_to_runs(history=True)
        run = _run_asked(query)
        found, last = _looked_at(query, run, limit=query["limit"])
        rows = [
            AssignmentRowOutput.render(one, clustering_id=runs.get(one.run, one.run))
            for one in found
            if _fits(one, query, run)
        ]
        return Response(
            AssignmentRowsOutput.render(
                assignments=rows, next=encode_cursor(last) if last else None
            )
        )

    @operation(
        "Assign a cluster by hand",
        json=serializers.AssignmentInput,
        body_example={
            "clustering_id": examples.RUN,
            "cluster_id": "cluster_0",
            "user_id": "ada.lovelace",
        },
        answers={201: AssignmentRowOutput},
        example=examples.row,
        refuses=(
            NoSuchRun,
            NoSuchCluster,
            NoSuchProfile,
            AssignmentExists,
            NotAPerson,
            NotCurrent,
            ContradictsDecisions,
        ),
        tag="assignments",
    )
    def post(self, request: Request) -> Response:
        """Assign a cluster to a person; no automatic matching changes this."""
        given = parse_json(request, serializers.AssignmentInput).validated_data
        run = get_kept_run(given["clustering_id"])
        made = create_assignment(
            run,
            get_cluster(run, given["cluster_id"]),
            get_profile(given["user_id"]).user_id,
            by=caller_name(request),
            overwrite=given["overwrite"],
        )
        return Response(AssignmentRowOutput.render(made, clustering_id=run.id), status=201)


class AssignmentApi(Api):
    """One assignment."""

    @operation(
        "Read an assignment",
        answers={200: AssignmentRowOutput},
        example=examples.row,
        refuses=(NoSuchAssignment,),
        tag="assignments",
    )
    def get(self, request: Request, assignment_id: str) -> Response:
        """Return an assignment."""
        return Response(_row(get_assignment(assignment_id)))

    @operation(
        "Change an assignment",
        json=serializers.AssignmentChange,
        body_example={"state": "confirmed", "version": 1},
        answers={200: AssignmentRowOutput},
        example=lambda: examples.row(state="confirmed", decided_by="eve", version=2),
        refuses=(
            NoSuchAssignment,
            NoSuchProfile,
            StaleAssignment,
            NotCurrent,
            ContradictsDecisions,
        ),
        tag="assignments",
    )
    def patch(self, request: Request, assignment_id: str) -> Response:
        """Change the person, confirm, or reject; a rejected person is never proposed again."""
        given = parse_json(request, serializers.AssignmentChange).validated_data
        assignment = get_assignment(assignment_id)
        user_id, state = given.get("user_id"), given.get("state")
        changed = change_assignment(
            assignment,
            user_id=get_profile(user_id).user_id if user_id else None,
            state=AssignmentState(state) if state else None,
            version=given.get("version"),
            by=caller_name(request),
        )
        return Response(_row(changed))

    @operation(
        "Delete an assignment",
        query=serializers.VersionQuery,
        answers={204: None},
        refuses=(NoSuchAssignment, StaleAssignment, ContradictsDecisions),
        tag="assignments",
    )
    def delete(self, request: Request, assignment_id: str) -> Response:
        """Delete an assignment; the next matching may create it again."""
        query = parse_query(request, serializers.VersionQuery).validated_data
        delete_assignment(
            get_assignment(assignment_id), version=query.get("version"), by=caller_name(request)
        )
        return Response(status=204)


class AssignmentStatsApi(Api):
    """Statistics of assignments, by person, by collection, by strategy."""

    @operation(
        "Count the assignments",
        answers={200: StatisticsOutput},
        example=lambda: StatisticsOutput.render(count_all([examples.ASSIGNMENT])),
        tag="assignments",
    )
    def get(self, request: Request) -> Response:
        """Return counts over the current runs."""
        current = iter_current_assignments(iter_assignments(), map_groups_to_runs())
        return Response(StatisticsOutput.render(count_all(current)))


class AssignmentExportApi(Api):
    """Assignments as a file."""

    content_negotiation_class = OneKind

    @operation(
        "Export assignments",
        query=serializers.ExportQuery,
        answers={
            (200, "text/csv"): {"type": "string", "description": "One row per line."},
            (200, "application/json"): ExportedAssignmentsOutput,
        },
        example=lambda: ExportedAssignmentsOutput.render(assignments=[examples.row()]),
        refuses=(InvalidName, NoSuchRun),
        tag="export",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Stream the assignments of a run, of a collection, or of all current runs."""
        query = parse_query(request, serializers.ExportQuery).validated_data
        rows = _rows(query)
        as_csv = query["format"] == "csv"
        names = list(AssignmentRowOutput().fields)
        return StreamingHttpResponse(
            iter_csv_lines(names, rows) if as_csv else iter_json_lines(rows, name="assignments"),
            content_type="text/csv; charset=utf-8" if as_csv else "application/json",
            headers={
                "Content-Disposition": f'attachment; filename="assignments.{query["format"]}"'
            },
        )


def _row(one: Assignment) -> Answer:
    """Return the response for an assignment, with the id of its run instead of its groups."""
    runs = map_groups_to_runs(history=True)
    return AssignmentRowOutput.render(one, clustering_id=runs.get(one.run, one.run))


def _looked_at(
    query: Mapping[str, Any], run: Run | None, *, limit: int
) -> tuple[list[Assignment], str]:
    """Return a page of unfiltered assignments, and the sort key to continue after, "" at the end.

    The most selective filter with an index determines the page; the others are applied to the page.
    """
    cursor = query.get("cursor")
    if user_id := query.get("user_id"):
        before = decode_cursor(cursor, within=f"{user_id}\t")
        page = _first(list_user_assignments(user_id, before=before), limit + 1)
        return _cut(page, limit, "user_sort_key")
    if run is not None:
        after = decode_cursor(cursor, within=f"{run.clusters_run}/")
        page = list_assignments(run.clusters_run, after=after, limit=limit + 1)
    else:
        page = iter_assignments_after(decode_cursor(cursor, within=""), limit=limit + 1)
    return _cut(page, limit, "sort_key")


def _run_asked(query: Mapping[str, Any]) -> Run | None:
    """Return the run of a query, or its collection's current run, None without either."""
    path = CollectionName.parse(query["collection"]).path if query.get("collection") else ""
    if not query.get("run"):
        return current_run(path) if path else None
    run = get_kept_run(query["run"])
    if path not in ("", run.collection):
        raise NoSuchRun(f"{path} has no run {run.id}.")
    return run


def _first(some: Iterator[Assignment], count: int) -> list[Assignment]:
    return [one for one, _ in zip(some, range(count), strict=False)]


def _cut(page: list[Assignment], limit: int, field: str) -> tuple[list[Assignment], str]:
    """Return a page and the sort key of its last row, "" if it is the last page."""
    more = len(page) > limit
    return page[:limit], getattr(page[limit - 1], field) if more else ""


def _fits(one: Assignment, query: Mapping[str, Any], run: Run | None) -> bool:
    """Say whether an assignment passes all filters."""
    return (run is None or one.run == run.clusters_run) and all(
        str(getattr(one, name)) == str(query[name])
        for name in ("user_id", "state", "strategy")
        if query.get(name)
    )


def _rows(query: Mapping[str, Any]) -> Iterator[Answer]:
    """Return the rows of an export; an unknown run raises before the first row is streamed."""
    run = _run_asked(query)
    if run is not None:
        some = list_run_assignments(run.clusters_run)
        return (AssignmentRowOutput.render(one, clustering_id=run.id) for one in some)
    runs = map_groups_to_runs()
    some = (one for one in iter_assignments() if one.run in runs)
    return (AssignmentRowOutput.render(one, clustering_id=runs[one.run]) for one in some)

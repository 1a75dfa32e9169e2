"""Matching a run with the known people, and what that gave: by collection, by run, by person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from assignments import answers, serializers
from assignments.api import examples
from assignments.by_hand import run_assignments_delete
from assignments.edge import held_now, request_match, run_named, runs_by_groups
from assignments.errors import NoProfiles, StaleAssignment
from assignments.selectors import assignments_of_run, assignments_of_user, assignments_page
from clustering.decisions.errors import Contradicts
from clustering.documents import Run
from clustering.edge import groups_settle
from clustering.errors import NoSuchRun
from clustering.selectors import run_current, run_get
from profiles.errors import NoSuchProfile
from profiles.selectors import profile_get
from storage.errors import InvalidName, ModelMismatch
from storage.names import CollectionName
from web.api import Api, query_of
from web.auth import caller_name
from web.paging import BadCursor, cursor_decode, cursor_encode
from web.schema import operation

NOT_A_BUCKET = ("user", "clustering")
REFUSES = (NoSuchRun, NoProfiles, ModelMismatch)


class CollectionAssignmentsApi(Api):
    """The assignments of a collection."""

    @operation(
        "Match a collection",
        query=serializers.CollectionMatchQuery,
        answers={200: answers.MatchResult},
        example=examples.MATCHED,
        refuses=(InvalidName, *REFUSES),
        tag="assignments",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Match the collection's clusters with the known people and save whose they are."""
        query = query_of(request, serializers.CollectionMatchQuery).validated_data
        run = _run_of(bucket, sub, query.get("clustering_id"))
        return Response(request_match(run, query, engine=settings.VISION))

    @operation(
        "Read a collection's assignments",
        query=serializers.CollectionPageQuery,
        answers={200: answers.RunAssignments},
        example=examples.RUN_ROWS,
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Answer with a page of whose the clusters are."""
        query = query_of(request, serializers.CollectionPageQuery).validated_data
        run = _run_of(bucket, sub, query.get("clustering_id"))
        return Response(run_assignments_json(run, query))


class RunAssignmentsApi(Api):
    """The assignments of a run: the same, for every name a bucket can have."""

    @operation(
        "Match a run",
        query=serializers.MatchQuery,
        answers={200: answers.MatchResult},
        example=examples.MATCHED,
        refuses=REFUSES,
        tag="assignments",
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Match the run's clusters with the known people and save whose they are."""
        query = query_of(request, serializers.MatchQuery).validated_data
        return Response(request_match(run_named(run_id), query, engine=settings.VISION))

    @operation(
        "Read a run's assignments",
        query=serializers.PageQuery,
        answers={200: answers.RunAssignments},
        example=examples.RUN_ROWS,
        refuses=(NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Answer with a page of whose the clusters are."""
        query = query_of(request, serializers.PageQuery).validated_data
        return Response(run_assignments_json(run_named(run_id), query))


class ClusteringAssignmentsApi(Api):
    """All assignments of a run at once."""

    @operation(
        "Delete a run's assignments",
        answers={200: answers.DeletedAssignments},
        example={"clustering_id": examples.RUN, "deleted_count": 12},
        refuses=(NoSuchRun, StaleAssignment, Contradicts),
        tag="assignments",
    )
    def delete(self, request: Request, clustering_id: str) -> Response:
        """Delete all assignments of a run, those that people made too, and say how many."""
        run = run_get(clustering_id)
        deleted = run_assignments_delete(run, by=caller_name(request))
        body: answers.DeletedAssignments = {"clustering_id": run.id, "deleted_count": deleted}
        return Response(body)


class UserAssignmentsApi(Api):
    """The clusters of a person."""

    @operation(
        "Read a person's assignments",
        query=serializers.UserPageQuery,
        answers={200: answers.UserAssignments},
        example=examples.OF_USER,
        refuses=(NoSuchProfile, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Answer with a person's clusters in every collection, the newest first, and totals."""
        query = query_of(request, serializers.UserPageQuery).validated_data
        profile_get(user_id)
        runs = runs_by_groups(history=query["history"])
        before = cursor_decode(query.get("cursor"), within=f"{user_id}\t")
        held = list(held_now(assignments_of_user(user_id), runs))
        shown = [one for one in held if not before or one.user_place < before]
        page = shown[: query["limit"]]
        body: answers.UserAssignments = {
            **answers.user_totals_json(user_id, held),
            "assignments": [
                answers.user_cluster_json(one, clustering_id=runs[one.run]) for one in page
            ],
            "next": cursor_encode(page[-1].user_place) if len(shown) > len(page) else None,
        }
        return Response(body)


def run_assignments_json(run: Run, query: dict[str, Any]) -> answers.RunAssignments:
    """Return a page of a run's assignments."""
    groups_settle(run.collection)
    groups, limit = run.clusters_run, query["limit"]
    after = cursor_decode(query.get("cursor"), within=f"{groups}/")
    found = assignments_page(groups, after=after, limit=limit + 1)
    page = found[:limit]
    return {
        "clustering_id": run.id,
        "bucket_path": run.collection,
        "total_assignments": sum(1 for _ in assignments_of_run(groups)),
        "assignments": [answers.assignment_json(one, clustering_id=run.id) for one in page],
        "next": cursor_encode(page[-1].place) if len(found) > limit else None,
    }


def _run_of(bucket: str, sub: str, run_id: str | None) -> Run:
    """Return the run that a two-segment address means."""
    if bucket in NOT_A_BUCKET:
        raise InvalidName(
            f"A bucket called '{bucket}' cannot be addressed here; use "
            "/api/v1/runs/{run_id}/assignments/ with the id of its run."
        )
    path = CollectionName.parse(f"{bucket}/{sub}").path
    return run_get(run_id, collection=path) if run_id else run_current(path)

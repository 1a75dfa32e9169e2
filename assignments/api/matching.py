"""REST resources of matching runs with profiles, and of assignments by collection, run, person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from assignments import serializers
from assignments.api import examples, outputs
from assignments.errors import NoProfiles, StaleAssignment
from assignments.manual import delete_run_assignments
from assignments.selectors import (
    get_kept_run,
    iter_current_assignments,
    list_assignments,
    list_run_assignments,
    list_user_assignments,
    map_groups_to_runs,
)
from assignments.services import MatchedRun, match_and_assign
from assignments.totals import count_user
from clustering.decisions.errors import ContradictsDecisions
from clustering.documents import Member, Run
from clustering.errors import NoSuchRun
from clustering.selectors import current_run, get_run, list_members
from clustering.services import ensure_projected
from profiles.errors import NoSuchProfile
from profiles.selectors import get_profile
from storage.errors import InvalidName, ModelMismatch
from storage.names import CollectionName
from vision import EngineSettings
from web.auth import caller_name
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.schema import operation

NOT_A_BUCKET = ("user", "clustering")
SHOWN = 10  # typical faces of a matched cluster
REFUSES = (NoSuchRun, NoProfiles, ModelMismatch)


class CollectionAssignmentsApi(Api):
    """The assignments of a collection."""

    @operation(
        "Match a collection",
        query=serializers.CollectionMatchQuery,
        answers={200: outputs.MatchResultOutput},
        example=lambda: _match_example(),
        refuses=(InvalidName, *REFUSES),
        tag="assignments",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Match the collection's clusters with all profiles and save the assignments."""
        query = parse_query(request, serializers.CollectionMatchQuery).validated_data
        run = _run_of(bucket, sub, query.get("clustering_id"))
        return Response(_match_response(run, query, engine=settings.VISION))

    @operation(
        "Read a collection's assignments",
        query=serializers.CollectionPageQuery,
        answers={200: outputs.RunAssignmentsOutput},
        example=lambda: outputs.RunAssignmentsOutput.render(
            examples.RUN_DOCUMENT,
            total_assignments=1,
            assignments=[examples.row()],
            next=None,
        ),
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Return a page of the assignments."""
        query = parse_query(request, serializers.CollectionPageQuery).validated_data
        run = _run_of(bucket, sub, query.get("clustering_id"))
        return Response(_run_assignments(run, query))


class RunAssignmentsApi(Api):
    """The assignments of a run; works for every bucket name, unlike the URL by collection."""

    @operation(
        "Match a run",
        query=serializers.MatchQuery,
        answers={200: outputs.MatchResultOutput},
        example=lambda: _match_example(),
        refuses=REFUSES,
        tag="assignments",
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Match the run's clusters with all profiles and save the assignments."""
        query = parse_query(request, serializers.MatchQuery).validated_data
        return Response(_match_response(get_kept_run(run_id), query, engine=settings.VISION))

    @operation(
        "Read a run's assignments",
        query=serializers.PageQuery,
        answers={200: outputs.RunAssignmentsOutput},
        example=lambda: outputs.RunAssignmentsOutput.render(
            examples.RUN_DOCUMENT,
            total_assignments=1,
            assignments=[examples.row()],
            next=None,
        ),
        refuses=(NoSuchRun, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return a page of the assignments."""
        query = parse_query(request, serializers.PageQuery).validated_data
        return Response(_run_assignments(get_kept_run(run_id), query))


class ClusteringAssignmentsApi(Api):
    """All assignments of a run at once."""

    @operation(
        "Delete a run's assignments",
        answers={200: outputs.DeletedAssignmentsOutput},
        example=lambda: outputs.DeletedAssignmentsOutput.render(
            clustering_id=examples.RUN, deleted_count=12
        ),
        refuses=(NoSuchRun, StaleAssignment, ContradictsDecisions),
        tag="assignments",
    )
    def delete(self, request: Request, clustering_id: str) -> Response:
        """Delete all assignments of a run, including manual ones, and return their number."""
        run = get_run(clustering_id)
        deleted = delete_run_assignments(run, by=caller_name(request))
        return Response(
            outputs.DeletedAssignmentsOutput.render(clustering_id=run.id, deleted_count=deleted)
        )


class UserAssignmentsApi(Api):
    """The clusters of a person."""

    @operation(
        "Read a person's assignments",
        query=serializers.UserPageQuery,
        answers={200: outputs.UserAssignmentsOutput},
        example=lambda: outputs.UserAssignmentsOutput.render(
            count_user("ada.lovelace", [examples.ASSIGNMENT]),
            assignments=[
                outputs.UserClusterOutput.render(examples.ASSIGNMENT, clustering_id=examples.RUN)
            ],
            next=None,
        ),
        refuses=(NoSuchProfile, BadCursor),
        tag="assignments",
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a person's clusters in all collections, the newest first, and totals."""
        query = parse_query(request, serializers.UserPageQuery).validated_data
        get_profile(user_id)
        runs = map_groups_to_runs(history=query["history"])
        before = decode_cursor(query.get("cursor"), within=f"{user_id}\t")
        current = list(iter_current_assignments(list_user_assignments(user_id), runs))
        shown = [one for one in current if not before or one.user_sort_key < before]
        page = shown[: query["limit"]]
        return Response(
            outputs.UserAssignmentsOutput.render(
                count_user(user_id, current),
                assignments=[
                    outputs.UserClusterOutput.render(one, clustering_id=runs[one.run])
                    for one in page
                ],
                next=encode_cursor(page[-1].user_sort_key) if len(shown) > len(page) else None,
            )
        )


def _run_assignments(run: Run, query: dict[str, Any]) -> Answer:
    """Return a page of a run's assignments."""
    ensure_projected(run.collection)
    groups, limit = run.clusters_run, query["limit"]
    after = decode_cursor(query.get("cursor"), within=f"{groups}/")
    found = list_assignments(groups, after=after, limit=limit + 1)
    page = found[:limit]
    row = outputs.AssignmentRowOutput
    return outputs.RunAssignmentsOutput.render(
        run,
        total_assignments=sum(1 for _ in list_run_assignments(groups)),
        assignments=[row.render(one, clustering_id=run.id) for one in page],
        next=encode_cursor(page[-1].sort_key) if len(found) > limit else None,
    )


def _run_of(bucket: str, sub: str, run_id: str | None) -> Run:
    """Return the run for a URL with bucket and sub-path; raise InvalidName for reserved buckets."""
    if bucket in NOT_A_BUCKET:
        raise InvalidName(
            f"A bucket called '{bucket}' cannot be addressed here; use "
            "/api/v1/runs/{run_id}/assignments/ with the id of its run."
        )
    path = CollectionName.parse(f"{bucket}/{sub}").path
    return get_run(run_id, collection=path) if run_id else current_run(path)


def _match_response(run: Run, asked: Mapping[str, Any], *, engine: EngineSettings) -> Answer:
    """Match a run with the parameters of a request, and return the response."""
    matched = match_and_assign(run, asked, engine=engine)
    clusters = {cluster.label: cluster.face_count for cluster in matched.found.clusters}
    typical = {label: list_members(run, label, limit=SHOWN) for label in matched.done.matches}
    return _match_answer(run, matched, at=timezone.now(), sizes=clusters, typical=typical)


def _match_answer(
    run: Run,
    matched: MatchedRun,
    *,
    at: datetime,
    sizes: Mapping[str, int],
    typical: Mapping[str, list[Member]],
) -> Answer:
    return outputs.MatchResultOutput.render(
        matched,
        clustering_id=run.id,
        bucket_path=run.collection,
        total_clusters=len(sizes),
        assigned_clusters=len(matched.done.matches),
        unassigned_clusters=len(matched.done.reasons),
        assignments={
            label: outputs.MatchedCluster(match, matched.found, sizes[label], typical[label])
            for label, match in matched.done.matches.items()
        },
        saved_to_db=not matched.dry_run,
        timestamp=at,
    )


def _match_example() -> Answer:
    return _match_answer(
        examples.RUN_DOCUMENT,
        examples.MATCHED,
        at=examples.MOMENT,
        sizes=examples.SIZES,
        typical=examples.TYPICAL,
    )

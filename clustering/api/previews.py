"""REST resources of previews: changes, apply, merge suggestions. Delete the run to drop one."""

from __future__ import annotations

from itertools import islice

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.decisions.event_log import decision_state
from clustering.errors import NoSuchRun, NotAPreview, PreviewStale, RunActive
from clustering.merge_suggestions import list_open_suggestions
from clustering.outputs.previews import (
    ChangedFaceOutput,
    ProposedMergesOutput,
    RunChangesOutput,
)
from clustering.outputs.runs import RunQueuedOutput
from clustering.run_diff import changes_among, continued_labels
from clustering.services import apply_run, ensure_projected
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.schema import operation


class RunApplyApi(Api):
    """The application of a preview."""

    @operation(
        "Apply a preview",
        answers={202: RunQueuedOutput},
        example=lambda: RunQueuedOutput.render(examples.QUEUED),
        refuses=(NoSuchRun, NotAPreview, PreviewStale, RunActive),
        tag="runs",
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Make the preview the current run, including the decisions made since it was computed."""
        body = RunQueuedOutput.render(apply_run(selectors.get_run(run_id)))
        return Response(body, status=202, headers={"Location": body["status_url"]})


class RunChangesApi(Api):
    """The changes of a run."""

    @operation(
        "Read what a run changes",
        query=serializers.ChangesQuery,
        answers={200: RunChangesOutput},
        example=lambda: RunChangesOutput.render(
            examples.RUN,
            faces=[ChangedFaceOutput.render(examples.MEMBER, from_cluster_id="cluster_4")],
            next=None,
        ),
        refuses=(NoSuchRun, BadCursor),
        tag="runs",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return counts and a page of the faces that are in another cluster than before.

        A page checks ``limit`` faces and returns those that moved, so it may have fewer rows.
        """
        query = parse_query(request, serializers.ChangesQuery).validated_data
        run, limit = selectors.get_run(run_id), query["limit"]
        first = f"{run.clusters_run}/"
        after = decode_cursor(query.get("cursor"), within=first)
        found = list(islice(selectors.iter_members_from(run, after), limit + 1))
        page, before = found[:limit], selectors.find_run(run.previewed_from)
        faces: list[Answer] = []
        if before is not None:
            faces = [
                ChangedFaceOutput.render(one.member, from_cluster_id=one.before or None)
                for one in changes_among(page, before, same=continued_labels(before, run))
            ]
        more = encode_cursor(page[-1].sort_key) if len(found) > limit else None
        return Response(RunChangesOutput.render(run, faces=faces, next=more))


class RunProposalsApi(Api):
    """Merge suggestions of a run."""

    @operation(
        "Read the proposed merges of a run",
        query=serializers.LimitQuery,
        answers={200: ProposedMergesOutput},
        example=lambda: ProposedMergesOutput.render(examples.RUN, proposals=[examples.SUGGESTION]),
        refuses=(NoSuchRun,),
        tag="decisions",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return pairs of clusters, by descending similarity, for a reviewer to merge or separate.

        Clusters that reviewers separated or named are never merged automatically; pairs are only
        suggested.
        """
        limit = parse_query(request, serializers.LimitQuery).validated_data["limit"]
        run = selectors.get_run(run_id)
        ensure_projected(run.collection)
        with decision_state(run.collection) as state:
            found = list(islice(list_open_suggestions(run, state), limit))
        return Response(ProposedMergesOutput.render(run, proposals=found))

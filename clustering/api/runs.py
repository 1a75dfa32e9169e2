"""REST resources of runs: start, status, list, read, cancel, resume, delete."""

from __future__ import annotations

import threading
import time

from django.http import HttpResponse, HttpResponseBase
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.documents import Run, RunState
from clustering.errors import (
    BadParameters,
    CollectionBusy,
    EmptyCollection,
    NoSuchRun,
    RunActive,
    RunEnded,
    RunNotResumable,
)
from clustering.outputs import runs as outputs
from clustering.services import cancel_run, delete_run, ensure_projected, resume_run, start_run
from storage.errors import InvalidName, NoSuchBucket
from storage.names import CollectionName
from vision import ModelMissing
from web.auth import caller_name, check_role
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.roles import Role
from web.schema import operation

POLL_SECONDS = 0.25
# A web process has 8 threads; at most 4 of them wait for runs, the others serve requests.
_waiting = threading.BoundedSemaphore(4)


class ClusterBucketApi(Api):
    """Start a run of a collection."""

    @operation(
        "Cluster a collection",
        answers={202: outputs.RunQueuedOutput, 200: outputs.RunResultOutput},
        example=lambda: outputs.run_result(examples.RUN, [examples.MEMBER]),
        query=serializers.RunInput,
        refuses=(
            InvalidName,
            BadParameters,
            NoSuchBucket,
            EmptyCollection,
            RunActive,
            CollectionBusy,
            ModelMissing,
        ),
        tag="runs",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Queue a run; with ``wait``, answer with its result when it ends in time.

        Where many of the known photos are missing, the run removes nothing and fails with
        `removals_need_confirmation`; `allow_removals=true` confirms that they were removed.
        """
        query = parse_query(request, serializers.RunInput)
        run = start_run(
            CollectionName.parse(f"{bucket}/{sub}"),
            parameters=query.parameters(),
            started_by=caller_name(request),
        )
        run = _run_awaited(run, seconds=query.validated_data["wait"])
        if run.state == RunState.FINISHED:
            return Response(outputs.run_result(run, selectors.iter_members(run)))
        body = outputs.RunQueuedOutput.render(run)
        return Response(
            body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["status_url"]}
        )


class ClusterStatusApi(Api):
    """The status of a run, with the results if it has finished."""

    @operation(
        "Read how a collection's run stands",
        answers={200: outputs.RunStatusOutput},
        example=lambda: outputs.RunStatusOutput.render(
            examples.RUN, cluster_details=examples.CLUSTER_SIZES
        ),
        query=serializers.RunQuery,
        refuses=(InvalidName, NoSuchRun),
        tag="runs",
    )
    def get(self, request: Request, bucket: str, sub: str) -> HttpResponseBase:
        """Return the status of the given or the newest run, with its 10,000 largest clusters."""
        run = selectors.requested_run(
            CollectionName.parse(f"{bucket}/{sub}").path,
            parse_query(request, serializers.RunQuery).validated_data.get("clustering_id"),
            otherwise=selectors.newest_run,
        )
        if run.state != RunState.FINISHED:
            return Response(outputs.RunStatusOutput.render(run))
        ensure_projected(run.collection)
        text = outputs.run_status_text(run, selectors.cluster_rows(run))
        return HttpResponse(text, content_type="application/json")


class RunsApi(Api):
    """The runs of a collection."""

    @operation(
        "List the runs of a collection",
        answers={200: outputs.RunRowsOutput},
        example=lambda: outputs.RunRowsOutput.render(
            runs=[outputs.RunRowOutput.render(examples.RUN, is_current=True)], next=None
        ),
        query=serializers.RunsQuery,
        refuses=(InvalidName, NoSuchRun, BadCursor),
        tag="runs",
    )
    def get(self, request: Request) -> Response:
        """Return a page of runs, newest first."""
        query = parse_query(request, serializers.RunsQuery).validated_data
        collection = selectors.get_collection(CollectionName.parse(query["collection"]).path)
        before = decode_cursor(query.get("cursor"), within=f"{collection.path}\t")
        limit = query["limit"]
        found = selectors.list_runs(collection.path, before=before, limit=limit + 1)
        page = found[:limit]
        return Response(
            outputs.RunRowsOutput.render(
                runs=[
                    outputs.RunRowOutput.render(run, is_current=run.id == collection.current_run)
                    for run in page
                ],
                next=encode_cursor(page[-1].sort_key) if len(found) > limit else None,
            )
        )


class RunApi(Api):
    """A run."""

    @operation(
        "Read a run",
        answers={200: outputs.RunDetailOutput},
        example=lambda: outputs.RunDetailOutput.render(examples.RUN, is_current=True),
        refuses=(NoSuchRun,),
        tag="runs",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return state, progress, parameters, models and statistics; cheap enough for polling."""
        return Response(_detail(selectors.get_run(run_id)))

    @operation(
        "Delete a run",
        answers={200: outputs.RunRemovedOutput},
        example=lambda: outputs.RunRemovedOutput.render(examples.RUN_REMOVED),
        refuses=(NoSuchRun, RunActive, CollectionBusy),
        tag="runs",
    )
    def delete(self, request: Request, run_id: str) -> Response:
        """Delete a run and its groups; the faces are kept.

        Reviewers may delete previews; other runs require an admin. If it was the collection's
        current run, the newest other finished run with stored clusters becomes current; without
        one, the collection counts as never clustered.
        """
        run = selectors.get_run(run_id)
        if not run.preview:
            check_role(request, Role.ADMIN)
        return Response(outputs.RunRemovedOutput.render(delete_run(run)))


class RunCancelApi(Api):
    """The cancellation of a run."""

    @operation(
        "Cancel a run",
        answers={202: outputs.RunDetailOutput},
        example=lambda: outputs.RunDetailOutput.render(examples.RUN, is_current=True),
        refuses=(NoSuchRun, RunEnded),
        tag="runs",
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Request a run to stop at its next photo; the current run does not change."""
        return _accepted(cancel_run(selectors.get_run(run_id)))


class RunResumeApi(Api):
    """The continuation of a run."""

    @operation(
        "Resume a run",
        answers={202: outputs.RunDetailOutput},
        example=lambda: outputs.RunDetailOutput.render(examples.RUN, is_current=True),
        refuses=(NoSuchRun, RunNotResumable, RunActive, CollectionBusy),
        tag="runs",
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Resume the newest run after it failed or was cancelled; completed work is kept."""
        return _accepted(resume_run(selectors.get_run(run_id)))


class RunSkippedApi(Api):
    """The photos of a run's collection that could not be read."""

    @operation(
        "List the photos that were not read",
        answers={200: outputs.SkippedImagesOutput},
        example=lambda: outputs.SkippedImagesOutput.render(
            examples.RUN, skipped=[examples.SKIPPED], next=None
        ),
        query=serializers.PageQuery,
        refuses=(NoSuchRun, BadCursor),
        tag="runs",
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return a page of photos by key, each with its reason, as of the newest run."""
        query = parse_query(request, serializers.PageQuery).validated_data
        run, limit = selectors.get_run(run_id), query["limit"]
        after = decode_cursor(query.get("cursor"), within=f"{run.collection}\t")
        found = selectors.list_skipped_images(
            run.collection, after=after, last_key=run.last_key, limit=limit + 1
        )
        page = found[:limit]
        return Response(
            outputs.SkippedImagesOutput.render(
                run,
                skipped=page,
                next=encode_cursor(page[-1].skip_sort_key) if len(found) > limit else None,
            )
        )


def _detail(run: Run) -> Answer:
    current = selectors.find_current_run(run.collection)
    is_current = current is not None and current.id == run.id
    return outputs.RunDetailOutput.render(run, is_current=is_current)


def _accepted(run: Run) -> Response:
    """Answer 202 with the run and its URL."""
    headers = {"Location": outputs.run_url(run)}
    return Response(_detail(run), status=status.HTTP_202_ACCEPTED, headers=headers)


def _run_awaited(run: Run, *, seconds: float) -> Run:
    """Wait up to ``seconds`` for a run to end; return at once if too many requests are waiting."""
    if seconds <= 0 or not _waiting.acquire(blocking=False):
        return run
    try:
        until = time.monotonic() + seconds
        while run.is_active and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            run = selectors.get_run(run.id)
    finally:
        _waiting.release()
    return run

"""Runs: start one over a collection, ask how one stands."""

from __future__ import annotations

import threading
import time

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.answers import runs as answers
from clustering.documents import Run, RunState
from clustering.edge import request_run
from clustering.errors import BadParameters, EmptyCollection, NoSuchRun, RunActive
from storage.errors import InvalidName, NoSuchBucket
from storage.names import CollectionName
from vision import ModelMissing
from web.api import Api, query_of
from web.auth import caller_name
from web.schema import operation

POLL_SECONDS = 0.25
_waiting = threading.BoundedSemaphore(4)  # of a web process's eight threads, so others get answers


class ClusterBucketApi(Api):
    """Start a run over a collection."""

    @operation(
        "Cluster a collection",
        answers={202: answers.RunQueued, 200: answers.RunResult},
        example=examples.RESULT,
        query=serializers.RunInput,
        refuses=(
            InvalidName,
            BadParameters,
            NoSuchBucket,
            EmptyCollection,
            RunActive,
            ModelMissing,
        ),
        tag="runs",
    )
    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Queue a run; with ``wait``, answer with its result when it ends in time."""
        query = query_of(request, serializers.RunInput)
        run = request_run(
            CollectionName.parse(f"{bucket}/{sub}"),
            parameters=query.parameters(),
            started_by=caller_name(request),
        )
        run = _run_awaited(run, seconds=query.validated_data["wait"])
        if run.state == RunState.FINISHED:
            return Response(answers.run_finished_json(run, selectors.members_all(run)))
        body = answers.run_queued_json(run)
        return Response(
            body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["status_url"]}
        )


class ClusterStatusApi(Api):
    """How a run stands, or what it found."""

    @operation(
        "Read how a collection's run stands",
        answers={200: answers.RunStatus},
        example=examples.STATUS,
        query=serializers.RunQuery,
        refuses=(InvalidName, NoSuchRun),
        tag="runs",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Answer for the newest run unless one is named."""
        run = selectors.run_asked(
            CollectionName.parse(f"{bucket}/{sub}").path,
            query_of(request, serializers.RunQuery).validated_data.get("clustering_id"),
            otherwise=selectors.run_newest,
        )
        if run.state != RunState.FINISHED:
            return Response(answers.run_working_json(run))
        people = (one for one in selectors.clusters_all(run) if not one.is_noise)
        return Response(answers.run_status_json(run, people))


def _run_awaited(run: Run, *, seconds: float) -> Run:
    """Wait for a run to end, at most so long; a process lets only a few requests wait at once."""
    if seconds <= 0 or not _waiting.acquire(blocking=False):
        return run
    try:
        until = time.monotonic() + seconds
        while run.is_active and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
            run = selectors.run_get(run.id)
    finally:
        _waiting.release()
    return run

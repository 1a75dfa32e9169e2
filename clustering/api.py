"""The REST resources of clustering: parse, call, answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from clustering import selectors, serializers
from clustering.documents import Run, RunState
from clustering.edge import request_repair, request_report, request_run
from clustering.pictures import crop_response, image_response
from storage.buckets import open_bucket
from storage.crops import face_crops
from storage.names import CollectionName
from web.api import Api, query_of
from web.auth import caller_name
from web.negotiation import OneKind
from web.paging import cursor_decode, cursor_encode
from web.roles import Role

POLL_SECONDS = 0.25
_waiting = threading.BoundedSemaphore(4)  # of a web process's eight threads, so others get answers


class ClusterBucketApi(Api):
    """Start a run over a collection."""

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
            return Response(serializers.run_finished_json(run, selectors.members_all(run)))
        body = serializers.run_queued_json(run)
        return Response(
            body, status=status.HTTP_202_ACCEPTED, headers={"Location": body["status_url"]}
        )


class ClusterStatusApi(Api):
    """How a run stands, or what it found."""

    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Answer for the newest run unless one is named."""
        path = CollectionName.parse(f"{bucket}/{sub}").path
        query = query_of(request, serializers.RunQuery)
        run = _run_asked_for(path, query.validated_data, default=selectors.run_newest)
        if run.state != RunState.FINISHED:
            return Response(serializers.run_working_json(run))
        people = (one for one in selectors.clusters_all(run) if not one.is_noise)
        return Response(serializers.run_status_json(run, people))


class ClusterDetailsApi(Api):
    """The faces of one cluster, or of the noise."""

    def get(self, request: Request, bucket: str, sub: str, cluster_id: str) -> Response:
        """Answer with a page of at most 1,000 faces, the most typical first."""
        path = CollectionName.parse(f"{bucket}/{sub}").path
        query = query_of(request, serializers.DetailsQuery)
        run = _run_asked_for(path, query.validated_data, default=selectors.run_current)
        cluster = selectors.cluster_get(run, cluster_id)
        limit = query.validated_data["limit"]
        after = cursor_decode(
            query.validated_data.get("cursor"), within=f"{cluster.run}/{cluster.label}/"
        )
        members = selectors.members_page(run, cluster.label, after=after, limit=limit + 1)
        page, more = members[:limit], len(members) > limit
        return Response(
            serializers.cluster_details_json(
                run,
                cluster,
                page,
                selectors.faces_by_id([member.face for member in page]),
                next_cursor=cursor_encode(page[-1].place) if more else None,
            )
        )


class VerifyStorageApi(Api):
    """Whether documents, vectors and crops of a collection fit together."""

    roles: ClassVar = {"POST": Role.ADMIN}

    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Compare the stores; nothing is changed, whatever ``repair`` says."""
        return Response(serializers.storage_json(request_report(self._run(request, bucket, sub))))

    def post(self, request: Request, bucket: str, sub: str) -> Response:
        """Remove orphans, recompute what is missing, and compare again."""
        done, report = request_repair(self._run(request, bucket, sub))
        return Response(serializers.storage_json(report, done))

    def _run(self, request: Request, bucket: str, sub: str) -> Run:
        path = CollectionName.parse(f"{bucket}/{sub}").path
        query = query_of(request, serializers.RepairQuery)
        return _run_asked_for(path, query.validated_data, default=selectors.run_current)


class FaceCropApi(Api):
    """The crop of a face."""

    content_negotiation_class = OneKind

    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Answer with a JPEG."""
        return crop_response(request, selectors.face_get(face_id), crops=face_crops())


class FaceImageApi(Api):
    """The photo a face was found in."""

    content_negotiation_class = OneKind

    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Answer with the original, as it lies in the bucket."""
        face = selectors.face_get(face_id)
        bucket = open_bucket(CollectionName.parse(face.collection).bucket)
        return image_response(request, selectors.image_of(face), bucket=bucket)


def _run_asked_for(path: str, query: Mapping[str, Any], *, default: Callable[[str], Run]) -> Run:
    """Return the run a query names, or the collection's default."""
    if run_id := query.get("clustering_id"):
        return selectors.run_get(run_id, collection=path)
    return default(path)


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

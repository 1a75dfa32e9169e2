"""REST resources of collections: list, read, delete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors, serializers
from clustering.documents import Run
from clustering.errors import CollectionBusy, NoSuchRun, RunActive
from clustering.outputs.collections import (
    CollectionDetailOutput,
    CollectionRowsOutput,
    CollectionRuns,
    PurgeAnswerOutput,
)
from clustering.services import delete_collection
from storage.errors import InvalidName
from storage.names import CollectionName
from web import idempotency
from web.output import Answer
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_query
from web.roles import Role
from web.schema import operation

RUNS_SHOWN = 20


class CollectionsApi(Api):
    """The clustered collections."""

    @operation(
        "List the collections",
        answers={200: CollectionRowsOutput},
        example=lambda: CollectionRowsOutput.render(collections=[examples.COLLECTION], next=None),
        query=serializers.PageQuery,
        refuses=(BadCursor,),
        tag="collections",
    )
    def get(self, request: Request) -> Response:
        """Return a page of collections by path, each with its current and newest run."""
        query = parse_query(request, serializers.PageQuery).validated_data
        after, limit = decode_cursor(query.get("cursor"), within=""), query["limit"]
        found = selectors.list_collections_page(after=after, limit=limit + 1)
        page = found[:limit]
        runs = selectors.get_runs_by_id(
            run_id for one in page for run_id in (one.current_run, one.newest_run)
        )
        return Response(
            CollectionRowsOutput.render(
                collections=[CollectionRuns.among(one, runs) for one in page],
                next=encode_cursor(page[-1].path) if len(found) > limit else None,
            )
        )


class CollectionApi(Api):
    """A collection."""

    roles: ClassVar = {"DELETE": Role.ADMIN}

    @operation(
        "Read a collection",
        answers={200: CollectionDetailOutput},
        example=lambda: _detail(examples.COLLECTION, [examples.RUN]),
        refuses=(InvalidName, NoSuchRun),
        tag="collections",
    )
    def get(self, request: Request, bucket: str, sub: str) -> Response:
        """Return counts, the current run, and the newest runs."""
        collection = selectors.get_collection(CollectionName.parse(f"{bucket}/{sub}").path)
        newest = selectors.list_runs(collection.path, limit=RUNS_SHOWN)
        runs = selectors.get_runs_by_id([collection.current_run, collection.newest_run])
        return Response(_detail(CollectionRuns.among(collection, runs), newest))

    @operation(
        "Purge a collection",
        answers={200: PurgeAnswerOutput},
        example=lambda: PurgeAnswerOutput.render(examples.PURGE),
        refuses=(InvalidName, NoSuchRun, RunActive, CollectionBusy),
        tag="collections",
    )
    def delete(self, request: Request, bucket: str, sub: str) -> Response:
        """Delete all data derived from a collection's photos from every store.

        The photos stay in the bucket. Idempotent: repeat an interrupted deletion to finish it.
        """
        receipt = delete_collection(CollectionName.parse(f"{bucket}/{sub}"))
        receipt.removed["kept_answers"] = idempotency.forget_answers(receipt.path)
        return Response(PurgeAnswerOutput.render(receipt))


def _detail(collection: CollectionRuns, newest: Iterable[Run]) -> Answer:
    return CollectionDetailOutput.render(collection, runs=[collection.row(run) for run in newest])

"""Responses about collections and their deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict
from urllib.parse import urlencode

from django.urls import reverse

from clustering.answers.run_details import RunRow, run_row_json
from clustering.deletion import PurgeReceipt
from clustering.documents import Collection, Run
from web.rest import format_time_or_null


class CollectionRow(TypedDict):
    """A collection; counts are those of the current run, 0 without one."""

    path: str
    bucket: str
    sub: str
    updated_at: str | None
    current_run: RunRow | None
    newest_run: RunRow | None
    total_images: int
    total_faces: int
    num_clusters: int
    noise_count: int
    url: str


class CollectionRows(TypedDict):
    """A page of collections, sorted by path."""

    collections: list[CollectionRow]
    next: str | None


class CollectionDetail(CollectionRow):
    """A collection with its newest runs, at most 20."""

    runs: list[RunRow]
    runs_url: str


class PurgedDocuments(TypedDict):
    """Numbers of documents of a collection."""

    collections: int
    runs: int
    batches: int
    images: int
    faces: int
    clusters: int
    members: int
    decisions: int
    decided_faces: int


class PurgedVectors(TypedDict):
    """Number of vectors of a collection's faces."""

    vectors: int


class PurgedFiles(TypedDict):
    """Number of files created for a collection's faces; the photos stay in the bucket."""

    crops: int


class PurgedAnswers(TypedDict):
    """Number of stored answers for repeated requests that refer to the collection."""

    kept_answers: int


class PurgedByStore(TypedDict):
    """Number of records of a collection in each store."""

    mongodb: PurgedDocuments
    qdrant: PurgedVectors
    files: PurgedFiles
    login_database: PurgedAnswers


class PurgeAnswer(TypedDict):
    """What a deletion removed from each store, and what a check afterwards still found."""

    bucket_path: str
    complete: bool
    removed: PurgedByStore
    left: PurgedByStore


def collection_row_json(collection: Collection, runs: Mapping[str, Run]) -> CollectionRow:
    """Return the row of a collection; ``runs`` has its current and its newest run, by id."""
    current, newest = runs.get(collection.current_run), runs.get(collection.newest_run)
    stats = {} if current is None else current.stats
    return {
        "path": collection.path,
        "bucket": collection.bucket,
        "sub": collection.sub,
        "updated_at": format_time_or_null(collection.updated_at),
        "current_run": _row(current, collection),
        "newest_run": _row(newest, collection),
        "total_images": stats.get("total_images", 0),
        "total_faces": stats.get("total_faces", 0),
        "num_clusters": stats.get("num_clusters", 0),
        "noise_count": stats.get("noise_count", 0),
        "url": _url(collection),
    }


def collection_detail_json(
    collection: Collection, runs: Mapping[str, Run], *, newest: Iterable[Run]
) -> CollectionDetail:
    """Return the response for a collection with its newest runs."""
    return {
        **collection_row_json(collection, runs),
        "runs": [run_row_json(run, is_current=run.id == collection.current_run) for run in newest],
        "runs_url": f"{reverse('runs_api')}?{urlencode({'collection': collection.path})}",
    }


def purge_json(receipt: PurgeReceipt, *, kept_answers: int) -> PurgeAnswer:
    """Return the response for a deletion."""
    return {
        "bucket_path": receipt.path,
        "complete": receipt.is_complete,
        "removed": _by_store(receipt.removed, kept_answers=kept_answers),
        "left": _by_store(receipt.left, kept_answers=0),
    }


def _row(run: Run | None, collection: Collection) -> RunRow | None:
    return None if run is None else run_row_json(run, is_current=run.id == collection.current_run)


def _url(collection: Collection) -> str:
    name = {"bucket": collection.bucket, "sub": collection.sub}
    return reverse("collection_api", kwargs=name)


def _by_store(counts: Mapping[str, int], *, kept_answers: int) -> PurgedByStore:
    return {
        "mongodb": {
            "collections": counts["collections"],
            "runs": counts["runs"],
            "batches": counts["batches"],
            "images": counts["images"],
            "faces": counts["faces"],
            "clusters": counts["clusters"],
            "members": counts["members"],
            "decisions": counts["decisions"],
            "decided_faces": counts["decided_faces"],
        },
        "qdrant": {"vectors": counts["vectors"]},
        "files": {"crops": counts["crops"]},
        "login_database": {"kept_answers": kept_answers},
    }

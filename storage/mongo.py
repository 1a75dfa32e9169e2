"""Connection to MongoDB, and bulk reads and writes.

The connection is opened at the first query. A forked child gets its own client.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import mongoengine
import mongoengine.connection
from django.conf import settings
from mongoengine.fields import ListField
from pymongo import DeleteOne, InsertOne, MongoClient, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, PyMongoError

from storage.errors import store_unavailable, unavailable_from

ALIAS = mongoengine.DEFAULT_CONNECTION_NAME
CHUNK = 500  # documents per bulk write: 30 ms on the embedded store, far below 48 MB
SELECTION_TIMEOUT_MS = 5_000
SOCKET_TIMEOUT_MS = 60_000  # longer than the embedded store needs to count 100,000 documents
PING_TIMEOUT_MS = 2_000
_DUPLICATE_KEY = 11000
PREFIX_END = "\U0010ffff"  # after every key that begins with a prefix


def register_mongo() -> None:
    """Register the store of MONGODB_URL and DATABASE_NAME with mongoengine, without connecting."""
    mongoengine.disconnect(ALIAS)
    # A custom client class reads MONGODB_URL at the first query: registering a URL would resolve
    # the names of `mongodb+srv://` immediately, and its path would override DATABASE_NAME.
    mongoengine.register_connection(
        ALIAS,
        name=settings.DATABASE_NAME,
        mongo_client_class=_open_client,
        uuidRepresentation="standard",
    )


def ping_mongo() -> None:
    """Raise StoreUnavailable unless the document store answers within PING_TIMEOUT_MS."""
    try:
        with _new_client(
            settings.MONGODB_URL,
            serverSelectionTimeoutMS=PING_TIMEOUT_MS,
            socketTimeoutMS=PING_TIMEOUT_MS,
        ) as client:
            client.admin.command("hello")  # the embedded store writes a log line per `ping`
    except PyMongoError as error:
        raise (unavailable_from(error) or store_unavailable("mongodb")) from error


def mongo_process_id(port: int) -> int | None:
    """Return the process id reported by the server on a loopback port, None without a server."""
    try:
        with _new_client(
            f"mongodb://127.0.0.1:{port}/?directConnection=true",
            serverSelectionTimeoutMS=PING_TIMEOUT_MS // 4,
            socketTimeoutMS=PING_TIMEOUT_MS,
        ) as client:
            claimed = client.admin.command("serverStatus").get("pid")
    except PyMongoError:
        return None
    return int(claimed) if claimed is not None else None


def vacuum_embedded_store() -> Path | None:
    """Let the embedded document store write its file anew, without what was deleted.

    Return the file, whose write-ahead log has to be truncated after it; None for a MongoDB server.
    Other requests wait meanwhile: 3 s for 100 MB.
    """
    if not settings.MONGODB_EMBEDDED:
        return None
    database = mongoengine.connection.get_db()
    database.command("vacuum")
    answer = database.command("database_list")
    return next((Path(one["file"]) for one in answer["result"] if one["name"] == "main"), None)


def bulk_upsert(document_class: Any, documents: Iterable[Any]) -> None:
    """Insert or replace whole documents by id. Idempotent; raises NotUniqueError."""
    for chunk in _chunks(documents):
        replacements = [
            _replacement({"_id": document.pk}, _validated(document), document_class, upsert=True)
            for document in chunk
        ]
        try:
            document_class._get_collection().bulk_write(replacements, ordered=False)
        except BulkWriteError as error:
            if _is_duplicate(error):
                raise mongoengine.NotUniqueError(str(error)) from error
            raise


def bulk_delete(document_class: Any, ids: Iterable[str]) -> None:
    """Delete documents by id; missing ones are ignored."""
    for chunk in _chunks(ids):
        document_class._get_collection().delete_many({"_id": {"$in": chunk}})


def bulk_insert(document_class: Any, documents: Iterable[Any]) -> set[str]:
    """Insert documents that do not exist yet; return the ids of those that do."""
    there: set[str] = set()
    for chunk in _chunks(documents):
        inserts = [InsertOne(_validated(document)) for document in chunk]
        try:
            document_class._get_collection().bulk_write(inserts, ordered=False)
        except BulkWriteError as error:
            failures = (error.details or {}).get("writeErrors", [])
            if any(failure.get("code") != _DUPLICATE_KEY for failure in failures):
                raise
            there.update(chunk[failure["index"]].pk for failure in failures)
    return there


def bulk_replace(document_class: Any, documents: Iterable[Any], same: Sequence[str]) -> int:
    """Replace stored documents whose ``same`` fields are unchanged; return how many.

    The last of those fields is a version, which is incremented in the written document.
    """
    replaced = 0
    for chunk in _chunks(documents):
        changes = []
        for document in chunk:
            stored = _validated(document)
            where = {"_id": document.pk, **{name: stored[name] for name in same}}
            stored[same[-1]] += 1
            changes.append(_replacement(where, stored, document_class))
        replaced += (
            document_class._get_collection().bulk_write(changes, ordered=False).matched_count
        )
    return replaced


def bulk_set(
    document_class: Any, changes: Iterable[tuple[str, Mapping[str, object], Mapping[str, object]]]
) -> int:
    """Set fields of documents under a condition (compare-and-set); return how many matched.

    Each change is (id, expected fields, new fields), with database names and values.
    """
    matched = 0
    for chunk in _chunks(changes):
        updates = [UpdateOne({"_id": pk, **same}, {"$set": dict(new)}) for pk, same, new in chunk]
        matched += document_class._get_collection().bulk_write(updates, ordered=False).matched_count
    return matched


def bulk_delete_same(document_class: Any, documents: Iterable[Any], same: Sequence[str]) -> int:
    """Delete stored documents whose ``same`` fields are unchanged; return how many."""
    deleted = 0
    for chunk in _chunks(documents):
        deletes = []
        for document in chunk:
            stored = _validated(document)
            deletes.append(DeleteOne({"_id": document.pk, **{name: stored[name] for name in same}}))
        deleted += document_class._get_collection().bulk_write(deletes, ordered=False).deleted_count
    return deleted


def iter_fields(
    document_class: Any,
    where: Mapping[str, object],
    fields: Sequence[str],
    *,
    batch: int = 1000,
    order: str = "",
    limit: int = 0,
) -> Iterator[dict[str, Any]]:
    """Yield dicts of some top-level fields and `_id`; `limit` 0 means no limit.

    About ten times faster than documents; `where` is a MongoDB filter with database names.
    mongoengine stores no empty lists; they are filled in.
    """
    lists = [name for name in fields if _is_list(document_class, name)]
    found = document_class._get_collection().find(
        dict(where),
        projection=list(fields),
        batch_size=batch,
        sort=[(order, 1)] if order else None,
        limit=limit,
    )
    with found:
        if not lists:
            yield from found
        for row in found:
            for name in lists:
                row.setdefault(name, [])
            yield row


def _is_list(document_class: Any, stored_name: str) -> bool:
    name = document_class._reverse_db_field_map.get(stored_name, stored_name)
    return isinstance(document_class._fields.get(name), ListField)


def prefix_range(prefix: str) -> dict[str, str]:
    """Return the filter of one field for the strings that begin with ``prefix``."""
    return {"$gte": prefix, "$lt": prefix + PREFIX_END}


def _open_client(**_registered: object) -> MongoClient[dict[str, Any]]:
    return _new_client(settings.MONGODB_URL)


def _new_client(url: str, **options: Any) -> MongoClient[dict[str, Any]]:
    """Return a client that is not connected yet; options in the URL override the defaults."""
    ours: dict[str, Any] = {
        "connect": False,
        "tz_aware": True,
        "uuidRepresentation": "standard",
        "appname": "faceadmin",
        "serverSelectionTimeoutMS": SELECTION_TIMEOUT_MS,
        "connectTimeoutMS": SELECTION_TIMEOUT_MS,
        "socketTimeoutMS": SOCKET_TIMEOUT_MS,
        **options,
    }
    stated = {pair.partition("=")[0].lower() for pair in url.partition("?")[2].split("&") if pair}
    return MongoClient(url, **{key: ours[key] for key in ours if key.lower() not in stated})


def _replacement(
    where: Mapping[str, object],
    stored: dict[str, Any],
    document_class: Any,
    *,
    upsert: bool = False,
) -> ReplaceOne[dict[str, Any]] | UpdateOne:
    """Return the write that puts a document in the place of a stored one.

    The embedded store cannot replace a document by one that holds bytes; it can set its fields.
    """
    if not any(isinstance(value, bytes) for value in stored.values()):
        return ReplaceOne(where, stored, upsert=upsert)
    fields = {name: value for name, value in stored.items() if name != "_id"}
    names = {field.db_field for field in document_class._fields.values()}
    changes: dict[str, Any] = {"$set": fields}
    if left_out := names - stored.keys() - {"_id"}:
        changes["$unset"] = dict.fromkeys(sorted(left_out), "")
    return UpdateOne(where, changes, upsert=upsert)


def _validated(document: Any) -> dict[str, Any]:
    """Validate a document and return its stored form."""
    document.validate()
    stored: dict[str, Any] = document.to_mongo().to_dict()
    return stored


def _is_duplicate(error: BulkWriteError) -> bool:
    failures = (error.details or {}).get("writeErrors", [])
    return any(failure.get("code") == _DUPLICATE_KEY for failure in failures)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


_of_the_parent: list[object] = []


def _after_fork() -> None:
    """Drop the parent's client without closing it: its sockets belong to the parent."""
    client = mongoengine.connection._connections.pop(ALIAS, None)
    if client is None:
        return
    _of_the_parent.append(client)  # garbage collection would warn, or close its sockets
    register_mongo()


os.register_at_fork(after_in_child=_after_fork)

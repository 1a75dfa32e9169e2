"""Which of the drivers' exceptions mean that a store is away."""

import errno

import mongoengine
import pymongo.errors
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from django.db import OperationalError
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from storage.errors import (
    CredentialsRefused,
    DiskFull,
    NoSuchBucket,
    StorageError,
    StoreUnavailable,
    unavailable_from,
)


def s3_answer(code, status):
    metadata = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "GetObject")


def qdrant_answer(status, body=b""):
    return UnexpectedResponse(status, "", body, None)


@pytest.mark.parametrize(
    ("error", "outcome", "store"),
    [
        (pymongo.errors.AutoReconnect("x"), StoreUnavailable, "mongodb"),
        (pymongo.errors.ServerSelectionTimeoutError("x"), StoreUnavailable, "mongodb"),
        (pymongo.errors.NetworkTimeout("x"), StoreUnavailable, "mongodb"),
        (pymongo.errors.OperationFailure("bad auth", 18), CredentialsRefused, "mongodb"),
        (pymongo.errors.OperationFailure("database or disk is full"), DiskFull, "mongodb"),
        (mongoengine.ConnectionFailure("x"), StoreUnavailable, "mongodb"),
        (ResponseHandlingException(OSError()), StoreUnavailable, "qdrant"),
        (qdrant_answer(503), StoreUnavailable, "qdrant"),
        (qdrant_answer(403), CredentialsRefused, "qdrant"),
        (qdrant_answer(500, b"No space left on device"), DiskFull, "qdrant"),
        (EndpointConnectionError(endpoint_url="x"), StoreUnavailable, "bucket"),
        (s3_answer("InvalidAccessKeyId", 403), CredentialsRefused, "bucket"),
        (s3_answer("SlowDown", 503), StoreUnavailable, "bucket"),
        (s3_answer("TooManyRequests", 429), StoreUnavailable, "bucket"),
        (s3_answer("RequestTimeout", 400), StoreUnavailable, "bucket"),
        (s3_answer("InternalError", 500), StoreUnavailable, "bucket"),
        (s3_answer("RequestTimeTooSkewed", 403), StoreUnavailable, "bucket"),
        (s3_answer("AuthorizationHeaderMalformed", 400), StoreUnavailable, "bucket"),
        (OSError(errno.ENOSPC, "x"), DiskFull, "crops"),
        (OSError(errno.EDQUOT, "x"), DiskFull, "crops"),
        (OperationalError("database or disk is full"), DiskFull, "queue"),
        (OperationalError("database is locked"), StoreUnavailable, "queue"),
    ],
)
def test_a_store_that_is_away_is_named(error, outcome, store):
    away = unavailable_from(error)

    assert type(away) is outcome
    assert away.store == away.extra["store"] == store
    assert str(away).endswith(".")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        OSError(errno.ENOENT, "x"),
        NoSuchBucket("x"),
        pymongo.errors.DuplicateKeyError("x"),
        pymongo.errors.BulkWriteError({}),
        mongoengine.ValidationError("x"),
        qdrant_answer(400),
        s3_answer("NoSuchKey", 404),
        OperationalError("no such table: x"),
    ],
)
def test_other_errors_are_not_taken_for_it(error):
    assert unavailable_from(error) is None


def raised_while_handling(error, *, handled):
    error.__context__ = handled  # as `raise error` inside `except` sets it
    return error


def test_what_mongoengine_wraps_is_seen():
    inner = pymongo.errors.AutoReconnect("x")
    error = raised_while_handling(mongoengine.OperationError("x"), handled=inner)

    assert unavailable_from(error).store == "mongodb"


def test_a_mistake_while_answering_is_not_taken_for_it():
    inner = pymongo.errors.AutoReconnect("x")
    error = raised_while_handling(ValueError("x"), handled=inner)

    assert unavailable_from(error) is None


def test_a_cause_is_seen_and_an_outcome_stays_itself():
    cause = StoreUnavailable("x", store="qdrant")
    error = RuntimeError()
    error.__cause__ = cause

    assert unavailable_from(error) is cause


def test_every_refusal_has_a_code_of_its_own():
    def below(refusal):
        return [refusal, *(one for child in refusal.__subclasses__() for one in below(child))]

    ours = [one for one in below(StorageError) if one.__module__ == "storage.errors"]

    assert len({one.code for one in ours}) == len(ours)

"""Errors of the stores: the class determines the outcome, the message is shown to users.

``unavailable_from`` translates driver exceptions that mean that a store is unavailable. HTTP
status codes are assigned in ``web.errors`` only.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from typing import Any


class StorageError(Exception):
    """Base error: `code` for programs, the message for users, `extra` fields for the response."""

    code = "storage_error"

    def __init__(self, message: str = "", **extra: object) -> None:
        super().__init__(message)
        self.extra = extra


class Missing(StorageError):
    """The requested item does not exist."""

    code = "missing"


class Conflict(StorageError):
    """The request conflicts with the stored state."""

    code = "conflict"


class Refused(StorageError):
    """The request is valid in form, but cannot be executed."""

    code = "refused"


class Unavailable(StorageError):
    """A store is temporarily unavailable; the same request may succeed later."""

    code = "unavailable"

    @property
    def store(self) -> str:
        """Return the store: mongodb, qdrant, bucket, crops or queue."""
        return str(self.extra.get("store", ""))


class NoSuchBucket(Missing):
    """There is no bucket with this name."""

    code = "no_such_bucket"


class ObjectVanished(Missing):
    """An object that was listed does not exist any more."""

    code = "vanished"


class ObjectUnreadable(Refused):
    """An object exists, but cannot be read, or access is denied."""

    code = "unreadable_object"


class ObjectArchived(ObjectUnreadable):
    """An object is in an archive, from which it has to be restored before it can be read."""

    code = "archived"


class ObjectTooLarge(Refused):
    """An object exceeds the size limit of the reader."""

    code = "too_many_bytes"


class InvalidName(Refused):
    """The name is not valid for a bucket, collection or object."""

    code = "invalid_name"


class InvalidVectors(Refused):
    """Vectors have the wrong shape, values that are not finite, or invalid ids."""

    code = "invalid_vectors"


class ModelMismatch(Conflict):
    """The stored data was made by another model."""

    code = "model_mismatch"


class StoreUnavailable(Unavailable):
    """A store does not answer."""

    code = "store_unavailable"


class ObjectFailing(StoreUnavailable):
    """A store responds but does not deliver an object.

    The object itself is damaged if the store delivers others; otherwise the store is unavailable.
    """

    code = "object_failing"


class CredentialsRefused(Unavailable):
    """A store rejects the credentials."""

    code = "credentials_refused"


class DiskFull(Unavailable):
    """A store has no disk space left."""

    code = "disk_full"


class LeaseLost(Exception):
    """Another worker has taken over the lease; stop without writing."""


def unavailable_from(error: BaseException) -> Unavailable | None:
    """Translate a driver exception, with its causes; None unless a store is unavailable."""
    for link in _chain(error):
        if isinstance(link, Unavailable):
            return link
        for reading in _READINGS:
            found = reading(link)
            if found is not None:
                return found
    return None


def is_unavailable(error: BaseException) -> bool:
    """Say whether an error means that a store is unavailable, so that a retry may succeed."""
    return isinstance(error, Unavailable) or unavailable_from(error) is not None


def disk_full(store: str) -> DiskFull:
    """Return the error of a store without disk space, with an instruction for the operator."""
    return DiskFull(
        f"There is no room left on the disk of {_CALLED[store]}; free some space.", store=store
    )


def store_unavailable(store: str) -> StoreUnavailable:
    """Return the error of a store that does not answer, with an instruction for the operator."""
    return StoreUnavailable(
        f"There is no answer from {_CALLED[store]}; see that it runs and can be reached.",
        store=store,
    )


_CALLED = {
    "mongodb": "the document store (MongoDB)",
    "qdrant": "the vector store (Qdrant)",
    "bucket": "the bucket store",
    "crops": "the folder of face crops",
    "queue": "the queue's database",
}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_FULL = "database or disk is full"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        # mongoengine raises its own class inside of an except block, without `from`.
        wrapped = link.__context__ if _driver(link) == "mongoengine" else None
        link = link.__cause__ or wrapped


def _driver(error: BaseException) -> str:
    return type(error).__module__.partition(".")[0]


def _from_disk(error: BaseException) -> Unavailable | None:
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return disk_full("crops")
    return None


def _from_pymongo(error: BaseException) -> Unavailable | None:
    if _driver(error) not in {"pymongo", "mongoengine"}:
        return None
    from mongoengine.connection import ConnectionFailure as NoConnection
    from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure

    if _FULL in str(error):
        return disk_full("mongodb")
    if isinstance(error, OperationFailure) and error.code in _UNAUTHORISED:
        return CredentialsRefused(
            "MongoDB refuses the user or password in MONGODB_URL.", store="mongodb"
        )
    if isinstance(error, ConnectionFailure | ExecutionTimeout | NoConnection):
        return store_unavailable("mongodb")
    return None


_UNAUTHORISED = {13, 18}  # MongoDB: Unauthorized, AuthenticationFailed


def _from_qdrant(error: BaseException) -> Unavailable | None:
    if _driver(error) not in {"qdrant_client", "httpx", "httpcore", "grpc"}:
        return None
    status = getattr(error, "status_code", None)
    if status in {401, 403}:
        return CredentialsRefused("Qdrant refuses QDRANT_API_KEY.", store="qdrant")
    if isinstance(status, int) and status < 500 and status not in {408, 429}:
        return None
    if "No space left" in str(error):
        return disk_full("qdrant")
    return store_unavailable("qdrant")


def _from_botocore(error: BaseException) -> Unavailable | None:
    if _driver(error) not in {"botocore", "boto3"}:
        return None
    response = getattr(error, "response", None)
    if response is None:
        return store_unavailable("bucket")
    code, status = _code_and_status(response)
    if code in _CREDENTIAL_CODES:
        return CredentialsRefused(
            "The S3 endpoint refuses the credentials; "
            "check WASABI_ACCESS_KEY, WASABI_SECRET_KEY and what they may read.",
            store="bucket",
        )
    if code in _OWN_SENTENCES:
        return StoreUnavailable(_OWN_SENTENCES[code], store="bucket")
    if code in _TOO_FAST or status == 429:
        return StoreUnavailable(
            f"The S3 service asks for fewer requests ({code}); wait, or let fewer workers read.",
            store="bucket",
        )
    if status >= 500 or status == 408 or code == "RequestTimeout":
        return store_unavailable("bucket")
    return None


def _code_and_status(response: Mapping[str, Any]) -> tuple[str, int]:
    return response["Error"].get("Code", ""), response["ResponseMetadata"]["HTTPStatusCode"]


_CREDENTIAL_CODES = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "Forbidden", "403", "401"),
    *("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "InvalidSecurity", "NotSignedUp"),
    *("AccountProblem", "AllAccessDisabled"),
}
_TOO_FAST = {
    *("SlowDown", "TooManyRequests", "Throttling", "ThrottlingException", "RequestThrottled"),
    *("RequestLimitExceeded", "BandwidthLimitExceeded", "PriorRequestNotComplete"),
}
_OWN_SENTENCES = {
    "RequestTimeTooSkewed": "The clock of this machine and the S3 service's differ too much; "
    "set this machine's clock right.",
    "AuthorizationHeaderMalformed": "The S3 service does not take requests signed for "
    "WASABI_REGION; set WASABI_REGION and WASABI_ENDPOINT to those of the bucket.",
}


def _from_queue(error: BaseException) -> Unavailable | None:
    from django.db import InterfaceError, OperationalError

    if not isinstance(error, OperationalError | InterfaceError):
        return None
    if _FULL in str(error):
        return disk_full("queue")
    # A missing table is a missing migration; a retry does not help.
    return None if "no such" in str(error) else store_unavailable("queue")


_READINGS: tuple[Callable[[BaseException], Unavailable | None], ...] = (
    _from_disk,
    _from_pymongo,
    _from_qdrant,
    _from_botocore,
    _from_queue,
)

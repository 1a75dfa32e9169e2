"""Buckets of an S3-compatible service. The only module that imports boto3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ParamValidationError,
    PartialCredentialsError,
    ResponseStreamingError,
)
from django.conf import settings

from storage.buckets.listing import BucketObject, object_too_large, object_vanished
from storage.errors import (
    CredentialsRefused,
    InvalidName,
    NoSuchBucket,
    ObjectArchived,
    ObjectFailing,
    ObjectUnreadable,
    StorageError,
    StoreUnavailable,
    unavailable_from,
)
from storage.ignored import is_ignored

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
ATTEMPTS = 4  # per request, with botocore's back-off
BODY_ATTEMPTS = 3  # per response body: botocore does not retry an interrupted body
CONNECTIONS = 32  # pool size, larger than the number of reading threads
CHUNK_BYTES = 1 << 20

_BODY_BROKEN = (IncompleteReadError, ResponseStreamingError)
_OBJECT_REFUSED = {"AccessDenied", "403"}
_OBJECT_GONE = {"NoSuchKey", "404", "NotFound", "NoSuchVersion"}
_WRONG_REGION = {"PermanentRedirect", "301", "IllegalLocationConstraintException"}


class S3Bucket:
    """A bucket over HTTP. Keys ending in a slash and keys with an ignored part are not objects."""

    def __init__(self, name: str, *, client: Any) -> None:
        self._name = name
        self._client = client

    @property
    def name(self) -> str:
        """Return the bucket's name."""
        return self._name

    def iter_objects(self, prefix: str = "") -> Iterator[BucketObject]:
        """Yield the objects under a prefix in the order of the service; it may list one twice."""
        for page in self._pages(prefix):
            for item in page.get("Contents", ()):
                if not item["Key"].endswith("/") and not is_ignored(item["Key"]):
                    yield _listed(item)

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes; raise ObjectTooLarge if there are more than max_bytes."""
        with self._errors(key):
            for _ in range(BODY_ATTEMPTS - 1):
                try:
                    return self._read_once(key, max_bytes=max_bytes)
                except _BODY_BROKEN:
                    continue
            return self._read_once(key, max_bytes=max_bytes)

    def prefixes(self, prefix: str = "") -> list[str]:
        """Return the prefixes one level below, each with a trailing slash."""
        found = {
            common["Prefix"]
            for page in self._pages(prefix, Delimiter="/")
            for common in page.get("CommonPrefixes", ())
        }
        return sorted(one for one in found if not is_ignored(one))

    def is_empty(self, prefix: str = "") -> bool:
        """Return whether only ignored names are under a prefix; raises the errors of `check`."""
        return next(self.iter_objects(prefix), None) is None

    def check(self) -> None:
        """Raise NoSuchBucket, CredentialsRefused or StoreUnavailable if it cannot be listed."""
        with self._errors():
            self._client.list_objects_v2(Bucket=self._name, MaxKeys=1)

    def _pages(self, prefix: str, **options: str) -> Iterator[Mapping[str, Any]]:
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix, **options
            )
        )
        while True:
            with self._errors():
                page = next(pages, None)
            if page is None:
                return
            yield page

    def _read_once(self, key: str, *, max_bytes: int) -> bytes:
        answer = self._client.get_object(Bucket=self._name, Key=key)
        with closing(answer["Body"]) as body:
            if answer["ContentLength"] > max_bytes:
                raise object_too_large(key, size=answer["ContentLength"], max_bytes=max_bytes)
            parts: list[bytes] = []
            taken = 0
            while part := body.read(CHUNK_BYTES):
                taken += len(part)
                if taken > max_bytes:
                    raise object_too_large(key, size=taken, max_bytes=max_bytes)
                parts.append(part)
        return b"".join(parts)

    @contextmanager
    def _errors(self, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._from_answer(error, key) from error
        except BotoCoreError as error:
            if key is not None and isinstance(error, _BODY_BROKEN):
                raise _failing(key, "its content breaks off") from error
            raise _from_connection_error(error) from error

    def _from_answer(self, error: ClientError, key: str | None) -> StorageError:
        code = error.response["Error"].get("Code", "")
        if code == "NoSuchBucket" or (key is None and code in _OBJECT_GONE):
            return NoSuchBucket(f"There is no bucket '{self._name}' at {_endpoint()}.")
        if code in _WRONG_REGION:
            return StoreUnavailable(
                f"Bucket '{self._name}' is in another region; set WASABI_REGION to it.",
                store="bucket",
            )
        if key is not None and code in _OBJECT_GONE:
            return object_vanished(key)
        if key is not None and code == "InvalidObjectState":
            return ObjectArchived(f"'{key}' is archived (Glacier); restore it, then run again.")
        if key is not None and code in _OBJECT_REFUSED:
            return ObjectUnreadable(
                f"'{key}' may not be read with these credentials; allow s3:GetObject for it."
            )
        if key is not None and error.response["ResponseMetadata"]["HTTPStatusCode"] == 500:
            return _failing(key, f"the service answers {code}")
        away = unavailable_from(error)
        if away is not None or key is None:
            return away or _refusal(code)
        return ObjectUnreadable(f"'{key}' cannot be read: the service answers {code}.")


def list_s3_bucket_names(client: Any) -> list[str]:
    """Return the names of the buckets that are visible with the credentials."""
    try:
        return sorted(bucket["Name"] for bucket in client.list_buckets()["Buckets"])
    except ClientError as error:
        code = error.response["Error"].get("Code", "")
        raise (unavailable_from(error) or _refusal(code)) from error
    except BotoCoreError as error:
        raise _from_connection_error(error) from error


def s3_client() -> Any:
    """Return this process's client for the configured service."""
    try:
        return client_for(
            settings.WASABI_ENDPOINT or None,
            settings.WASABI_REGION or None,
            settings.WASABI_ACCESS_KEY,
            settings.WASABI_SECRET_KEY,
            os.getpid(),  # part of the cache key: a forked child needs its own connections
        )
    except ValueError as error:
        raise StoreUnavailable(
            f"WASABI_ENDPOINT, {settings.WASABI_ENDPOINT}, is no address; "
            "write it as https://host.",
            store="bucket",
        ) from error
    except BotoCoreError as error:
        raise _from_connection_error(error) from error


def s3_config(endpoint: str | None) -> Config:
    """Return the configuration of signatures, addressing, timeouts and retries."""
    return Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        # Services other than Amazon's reject the checksums that boto3 adds by default.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Custom endpoints usually have no host name per bucket, unlike Amazon's.
        s3={"addressing_style": "path" if endpoint else "virtual"},
    )


@lru_cache(maxsize=8)
def client_for(endpoint: str | None, region: str | None, key: str, secret: str, _pid: int) -> Any:
    """Return the cached client of a process for a service; thread-safe."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=s3_config(endpoint),
    )


def _listed(item: Mapping[str, Any]) -> BucketObject:
    return BucketObject(
        key=item["Key"],
        size=item["Size"],
        tag=item["ETag"].strip('"'),
        modified=item["LastModified"],
    )


def _endpoint() -> str:
    return str(settings.WASABI_ENDPOINT or "Amazon S3")


def _failing(key: str, why: str) -> ObjectFailing:
    return ObjectFailing(
        f"'{key}' cannot be read from {_endpoint()}, after several attempts: {why}.", store="bucket"
    )


def _from_connection_error(error: BotoCoreError) -> StorageError:
    if isinstance(error, PartialCredentialsError):
        return CredentialsRefused(
            "WASABI_ACCESS_KEY needs WASABI_SECRET_KEY beside it.", store="bucket"
        )
    if isinstance(error, ParamValidationError):
        return InvalidName("The S3 service can have no bucket or key of this name.")
    return StoreUnavailable(
        f"The S3 service at {_endpoint()} does not answer; check WASABI_ENDPOINT and the network.",
        store="bucket",
    )


def _refusal(code: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The S3 service at {_endpoint()} refuses to list: {code}.", store="bucket"
    )

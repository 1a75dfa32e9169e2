"""The interface of buckets, independent of their kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.errors import ObjectTooLarge, ObjectVanished


@dataclass(frozen=True)
class BucketObject:
    """A listed object; an equal tag means equal content."""

    key: str
    size: int  # bytes
    tag: str
    modified: datetime


class Bucket(Protocol):
    """Interface of a bucket. Keys are full keys in the bucket."""

    @property
    def name(self) -> str:
        """Return the bucket's name."""

    def iter_objects(self, prefix: str = "") -> Iterator[BucketObject]:
        """Yield the objects under a prefix in any order; a service may list one twice."""

    def read(self, key: str, *, max_bytes: int) -> bytes:
        """Return an object's bytes; raise ObjectTooLarge if there are more than max_bytes.

        Raises ObjectVanished or ObjectUnreadable for objects that cannot be read.
        """

    def prefixes(self, prefix: str = "") -> list[str]:
        """Return the prefixes one level below, sorted, each with a trailing slash."""

    def is_empty(self, prefix: str = "") -> bool:
        """Return whether the prefix is empty now; raises the errors of `check`."""

    def check(self) -> None:
        """Raise NoSuchBucket, CredentialsRefused or StoreUnavailable if it cannot be listed."""


def object_vanished(key: str) -> ObjectVanished:
    """Return the error of an object that does not exist any more."""
    return ObjectVanished(f"'{key}' is gone: it was removed or renamed after it was listed.")


def object_too_large(key: str, *, size: int, max_bytes: int) -> ObjectTooLarge:
    """Return the error of an object that exceeds the size limit."""
    return ObjectTooLarge(f"'{key}' has {size:,} bytes; the limit is {max_bytes:,}.")

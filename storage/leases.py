"""Leases: exclusive right to work on a document, which expires if the worker is killed.

A lease is two fields of the document itself, ``lease_owner`` (a token, new with every claim) and
``lease_until`` (milliseconds since 1970). It is taken by a single compare-and-set and extended by
a background thread; call ``check()`` before every commit of work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

from mongoengine import Document, QuerySet

from storage.errors import LeaseLost

D = TypeVar("D", bound=Document)

LEASE_SECONDS = 20.0


def now_ms() -> int:
    """Return the time for leases: milliseconds since 1970, by this host's clock."""
    return time.time_ns() // 1_000_000


def is_lease_live(document: Document) -> bool:
    """Say whether the document's lease is taken and not expired."""
    return bool(document.lease_owner) and document.lease_until > now_ms()


def take_lease(document: D, *, seconds: float = LEASE_SECONDS, **updates: object) -> D | None:
    """Take the lease of a document as it was read; None if another process took it first.

    ``updates`` are mongoengine update keywords written in the same compare-and-set.
    """
    unchanged = type(document).objects(
        pk=document.pk, lease_owner=document.lease_owner, lease_until=document.lease_until
    )
    return unchanged.modify(
        new=True,
        set__lease_owner=uuid4().hex,
        set__lease_until=now_ms() + int(seconds * 1000),
        **updates,
    )


class Lease:
    """A lease that was taken: ``check()`` before every commit, ``extend()`` periodically."""

    def __init__(self, document: Document, *, seconds: float = LEASE_SECONDS) -> None:
        self._seconds = seconds
        self._kind = type(document)
        self._id = document.pk
        self._token = document.lease_owner
        self._lost = threading.Event()
        self._valid_until = time.monotonic() + seconds

    @property
    def extend_every(self) -> float:
        """Return the interval of extensions in seconds."""
        return self._seconds / 4

    def check(self) -> None:
        """Raise LeaseLost if the lease was taken over or not extended in time."""
        if self._lost.is_set() or time.monotonic() >= self._valid_until:
            raise LeaseLost(f"{self._kind.__name__} {self._id} was taken over")

    def extend(self) -> None:
        """Extend the lease; if it was taken over, ``check()`` raises from now on."""
        asked = time.monotonic()
        until = now_ms() + int(self._seconds * 1000)
        extended = self._owned().modify(set__lease_until=until)
        if extended is None:
            self._lost.set()
        else:
            self._valid_until = asked + self._seconds

    def commit(self, **updates: object) -> bool:
        """Write ``updates`` and release the lease atomically; False if it was taken over."""
        done = self._owned().modify(set__lease_owner="", set__lease_until=0, **updates)
        self._lost.set()
        return done is not None

    def _owned(self) -> QuerySet:
        return self._kind.objects(pk=self._id, lease_owner=self._token)


@contextmanager
def extend_in_background(
    lease: Lease, *, or_on_error: Callable[[BaseException], bool]
) -> Iterator[Lease]:
    """Extend the lease from a thread while the body of the context runs.

    An extension that fails with an error accepted by ``or_on_error`` (the store is unavailable) is
    retried; if that takes longer than the lease, ``check()`` raises LeaseLost.
    """
    stop = threading.Event()

    def extend_until_stopped() -> None:
        while not stop.wait(lease.extend_every):
            try:
                lease.extend()
            except Exception as error:
                if not or_on_error(error):
                    raise

    thread = threading.Thread(target=extend_until_stopped, name="lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        stop.set()
        thread.join()

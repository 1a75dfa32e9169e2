"""Leases: exclusive right to work on a document, which expires if the worker is killed.

A lease is two fields of the document itself, ``lease_owner`` (a token, new with every claim) and
``lease_until`` (milliseconds since 1970). It is taken by a single compare-and-set and extended by
a background thread; call ``check()`` before every commit of work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from uuid import uuid4

from mongoengine import Document, QuerySet

from storage.errors import LeaseLost, is_unavailable

D = TypeVar("D", bound=Document)

LEASE_SECONDS = 20.0


def now_ms() -> int:
    """Return the time for leases: milliseconds since 1970, by this host's clock."""
    return time.time_ns() // 1_000_000


def is_lease_live(document: Document) -> bool:
    """Say whether the document's lease is taken and not expired."""
    return bool(document.lease_owner) and document.lease_until > now_ms()


def take_lease(document: D, *, seconds: float = LEASE_SECONDS, **updates: object) -> D | None:
    """Take the lease of a document as it was read; None if another process took it since.

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
    """A lease that was taken: ``check()`` before every commit, ``extend()`` periodically.

    ``document`` is the document as it was when the lease was taken.
    """

    def __init__(self, document: Document, *, seconds: float = LEASE_SECONDS) -> None:
        self.document = document
        self._seconds = seconds
        self._lost = threading.Event()
        self._valid_until = time.monotonic() + seconds

    @property
    def extend_every(self) -> float:
        """Return the interval of extensions in seconds."""
        return self._seconds / 4

    def check(self) -> None:
        """Raise LeaseLost if the lease was taken over, given back or not extended in time."""
        if self._lost.is_set() or time.monotonic() >= self._valid_until:
            raise self._taken_over()

    def extend(self) -> None:
        """Extend the lease; if it was taken over, ``check()`` raises from now on."""
        asked = time.monotonic()
        until = now_ms() + int(self._seconds * 1000)
        extended = self._owned().modify(set__lease_until=until)
        if extended is None:
            self._lost.set()
        else:
            self._valid_until = asked + self._seconds

    def update(self, **updates: object) -> None:
        """Write ``updates`` and keep the lease; raise LeaseLost if it was taken over."""
        if self._owned().modify(**updates) is None:
            self._lost.set()
            raise self._taken_over()

    def commit(self, **updates: object) -> bool:
        """Write ``updates`` and release the lease atomically; False if it was taken over."""
        done = self._owned().modify(set__lease_owner="", set__lease_until=0, **updates)
        self._lost.set()
        return done is not None

    def _owned(self) -> QuerySet:
        kind, token = type(self.document), self.document.lease_owner
        return kind.objects(pk=self.document.pk, lease_owner=token)

    def _taken_over(self) -> LeaseLost:
        return LeaseLost(f"{type(self.document).__name__} {self.document.pk} was taken over")


@contextmanager
def hold_lease(
    document: Document, *, seconds: float = LEASE_SECONDS, **updates: object
) -> Iterator[Lease | None]:
    """Take a document's lease for the body of the context; None if another process has it."""
    free = not is_lease_live(document)
    taken = take_lease(document, seconds=seconds, **updates) if free else None
    if taken is None:
        yield None
        return
    with keep_lease(taken, seconds=seconds) as lease:
        yield lease


@contextmanager
def keep_lease(taken: Document, *, seconds: float = LEASE_SECONDS) -> Iterator[Lease]:
    """Extend a lease that was taken, while the body of the context runs; then release it.

    An extension that fails because the store is unavailable is retried; if that takes longer than
    the lease, ``check()`` raises LeaseLost. A lease that cannot be released expires.
    """
    lease, stop = Lease(taken, seconds=seconds), threading.Event()

    def extend_until_stopped() -> None:
        while not stop.wait(lease.extend_every):
            try:
                lease.extend()
            except Exception as error:
                if not is_unavailable(error):
                    raise

    thread = threading.Thread(target=extend_until_stopped, name="lease", daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        stop.set()
        thread.join()
        _release(lease)


def _release(lease: Lease) -> None:
    """Release a lease unless it was committed or lost."""
    try:
        lease.check()
        lease.commit()
    except LeaseLost:
        return
    except Exception as error:
        if not is_unavailable(error):
            raise

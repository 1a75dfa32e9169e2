"""The event log: incremental reads into a state cached per process, and appends.

Optimistic concurrency: a sequence number can be written once, so an append succeeds only if the
caller has read all earlier events. Of two simultaneous decisions, one fails with AppendConflict
and is prepared again on the new state.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from mongoengine.errors import NotUniqueError

from clustering.decisions.documents import Decision
from clustering.decisions.errors import NoSuchDecision
from clustering.decisions.state import DecisionState
from clustering.documents import Collection, collection_sort_key
from storage.mongo import PREFIX_END, iter_fields

READ_AT_ONCE = 1000


class AppendConflict(Exception):
    """Another decision has taken the sequence number; prepare again on the new state."""


class _CachedLog:
    """The state of one collection's log as far as this process has read it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.state = DecisionState()
        self.log = ""


_cached_logs: dict[tuple[str, str, str], _CachedLog] = {}
_cached_logs_lock = threading.Lock()


@contextmanager
def decision_state(collection: str) -> Iterator[DecisionState]:
    """Lock the cached state of a collection, read up to the newest decision, and yield it."""
    cached = _cached_log(collection)
    with cached.lock:
        _read_new(cached, collection)
        yield cached.state


def load_state(collection: str) -> DecisionState:
    """Return a private copy of the current state, for work that takes long."""
    with decision_state(collection) as state:
        return DecisionState(state.events.values())


def list_decisions_after(collection: str, seq: int) -> Iterator[Decision]:
    """Iterate the decisions of a collection after a number, oldest first."""
    after = Decision.sort_key_for(collection, seq)
    end = collection_sort_key(collection, PREFIX_END)
    while page := _page(after, end):
        yield from page
        after = page[-1].sort_key
        if len(page) < READ_AT_ONCE:
            return


def list_newest_decisions(collection: str, *, before: str = "", limit: int) -> list[Decision]:
    """Return the newest decisions of a collection, or those before a sort key, newest first."""
    first = collection_sort_key(collection, "")
    query = Decision.objects(sort_key__gte=first, sort_key__lt=before or first + PREFIX_END)
    return list(query.order_by("-sort_key").limit(limit))


def list_decisions_by(who: str, collection: str, *, limit: int) -> list[Decision]:
    """Return up to ``limit`` decisions of one reviewer about a collection, newest first."""
    first = Decision.by_sort_key_for(who, collection, 0).removesuffix(f"{0:08d}")
    query = Decision.objects(by_sort_key__gte=first, by_sort_key__lt=first + PREFIX_END)
    return list(query.order_by("-by_sort_key").limit(limit))


def list_deciders(ids: Iterable[str]) -> dict[str, str]:
    """Return the author of each decision, by decision id."""
    found = iter_fields(Decision, {"_id": {"$in": sorted(ids)}}, ["by"])
    return {one["_id"]: one["by"] for one in found}


def get_decision(decision_id: str) -> Decision:
    """Return one decision; raise NoSuchDecision without one."""
    decision = Decision.objects(id=decision_id).first()
    if decision is None:
        raise NoSuchDecision("There is no decision with this id.")
    return decision


def ignored_persons(collection: str) -> set[str]:
    """Return the persons with faces that are marked as ignored or as no face."""
    with decision_state(collection) as state:
        out = {face: event for face, (_, event) in state.out.items()}
        return {
            state.root(was)
            for event in set(out.values())
            for face, was, _ in get_decision(event).moves
            if out.get(face) == event
        }


def append_decision(decision: Decision, state: DecisionState) -> None:
    """Write a decision under the next number; raise AppendConflict if the number is taken."""
    try:
        decision.save(force_insert=True)
    except NotUniqueError as error:
        raise AppendConflict from error
    state.add(decision.event)


def _cached_log(collection: str) -> _CachedLog:
    key = (settings.MONGODB_URL, settings.DATABASE_NAME, collection)
    with _cached_logs_lock:
        return _cached_logs.setdefault(key, _CachedLog())


def _read_new(cached: _CachedLog, collection: str) -> None:
    """Add new events to the cached state; start over if the log id has changed."""
    stored = Collection.objects(path=collection).only("path", "log").first()
    log = stored.log if stored is not None else ""
    if log != cached.log:
        cached.state, cached.log = DecisionState(), log
    for decision in list_decisions_after(collection, cached.state.seq):
        cached.state.add(decision.event)


def _page(after: str, end: str) -> list[Decision]:
    query = Decision.objects(sort_key__gt=after, sort_key__lt=end)
    return list(query.order_by("sort_key").limit(READ_AT_ONCE))

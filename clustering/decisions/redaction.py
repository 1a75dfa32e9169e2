"""Redact a person from the event log; decisions about faces are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from uuid import uuid4

from clustering.decisions.documents import Decision
from clustering.documents import Collection
from storage.mentions import mentions_word
from storage.mongo import bulk_set, iter_fields


def redact_decisions(user_id: str, names: Sequence[str] = ()) -> int:
    """Blank a profile in all decisions that name it; return how many did.

    A decision about another profile keeps that one, and loses its note of what was on the screen.

    Changing the log id invalidates every process's cached state, so the redacted log is replayed.
    """
    found = list(_naming(user_id, names))
    changes = {
        True: {"user": "", "seen_text": "{}"},
        False: {"seen_text": "{}"},
    }
    bulk_set(Decision, ((one["_id"], {}, changes[one["user"] == user_id]) for one in found))
    for path in {one["collection"] for one in found}:
        Collection.objects(path=path).update_one(set__log=uuid4().hex)
    return len(found)


def count_decisions_naming(user_id: str, names: Sequence[str] = ()) -> int:
    """Return how many decisions name a profile."""
    return sum(1 for _ in _naming(user_id, names))


def _naming(user_id: str, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Iterate the decisions that name a profile, or that were made with it on the screen."""
    words = [user_id, *names]
    for one in iter_fields(Decision, {"place": {"$gte": ""}}, ["collection", "user", "seen_text"]):
        if one["user"] == user_id or any(
            mentions_word(text, words) for text in _words(json.loads(one["seen_text"]))
        ):
            yield one


def _words(value: object) -> Iterator[str]:
    """Yield every key and scalar of a decoded JSON value, as text."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    else:
        yield str(value)

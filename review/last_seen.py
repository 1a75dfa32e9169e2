"""Time up to which each reviewer has seen the new faces of a collection."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from mongoengine import Document, fields

from clustering.documents import Run, RunState
from clustering.selectors import list_runs
from storage.fields import TimestampField
from storage.mongo import prefix_range

RUNS_LOOKED_AT = 20


class LastSeen(Document):
    """The time up to which a reviewer has seen the new faces of a collection."""

    id = fields.StringField(primary_key=True)
    at = TimestampField(required=True)

    meta: ClassVar = {"collection": "last_looks", "auto_create_index": True}

    @staticmethod
    def id_for(name: str, path: str) -> str:
        """Return the document id for a reviewer's name and a collection's path."""
        return f"{path}\t{name}"


def last_seen_at(name: str, run: Run) -> datetime | None:
    """Return the time since which faces are new to a reviewer.

    That is the time of `mark_seen`, else the end of the last finished run before this one. None
    without either: in a collection's first run no face counts as new.
    """
    seen = LastSeen.objects(id=LastSeen.id_for(name, run.collection)).first()
    if seen is not None:
        return seen.at
    for before in list_runs(run.collection, limit=RUNS_LOOKED_AT):
        is_earlier = before.created_at < run.created_at
        if is_earlier and before.state == RunState.FINISHED and not before.preview:
            return before.finished_at
    return None


def mark_seen(name: str, path: str, *, at: datetime) -> None:
    """Store that a reviewer has seen all faces found up to ``at``."""
    LastSeen(id=LastSeen.id_for(name, path), at=at).save()


def forget_last_seen(path: str) -> None:
    """Delete all stored times of a collection."""
    first = LastSeen.id_for("", path)
    LastSeen.objects(__raw__={"_id": prefix_range(first)}).delete()

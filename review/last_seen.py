"""When somebody last looked at what a collection gained."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from mongoengine import Document, fields

from clustering.documents import END_OF_PLACES, Run, RunState
from clustering.selectors import list_runs
from storage.fields import TimestampField

RUNS_LOOKED_AT = 20


class LastSeen(Document):
    """The moment up to which somebody has seen what a collection gained."""

    id = fields.StringField(primary_key=True)
    at = TimestampField(required=True)

    meta: ClassVar = {"collection": "last_looks", "auto_create_index": True}

    @staticmethod
    def id_for(name: str, path: str) -> str:
        """Return the id of somebody's look at a collection."""
        return f"{path}\t{name}"


def last_seen_at(name: str, run: Run) -> datetime | None:
    """Return since when things are new to somebody: their last look, else the run before this.

    None if there is neither: of a first run nothing is new.
    """
    look = LastSeen.objects(id=LastSeen.id_for(name, run.collection)).first()
    if look is not None:
        return look.at
    for before in list_runs(run.collection, limit=RUNS_LOOKED_AT):
        is_earlier = before.created_at < run.created_at
        if is_earlier and before.state == RunState.FINISHED and not before.preview:
            return before.finished_at
    return None


def mark_seen(name: str, path: str, *, at: datetime) -> None:
    """Remember that somebody has seen all that a collection had at a moment."""
    LastSeen(id=LastSeen.id_for(name, path), at=at).save()


def forget_last_seen(path: str) -> None:
    """Remove who looked at a collection when."""
    first = LastSeen.id_for("", path)
    LastSeen.objects(__raw__={"_id": {"$gte": first, "$lt": first + END_OF_PLACES}}).delete()

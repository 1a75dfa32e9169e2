"""What is stored of imports of known people: the job, and a line for every file of it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mongoengine import Document, fields

from storage.fields import TimestampField

ACTIVE = "active"  # the one value of an indexed field by which work that is not over is found


class ImportState(StrEnum):
    """Where an import stands; it ends in one of the last three."""

    QUEUED = "queued"
    WORKING = "working"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportKind(StrEnum):
    """Where the photos lie: in a zip we keep, in a bucket, or in a folder a command was given."""

    ZIP = "zip"
    FOLDER = "folder"
    PATH = "path"


class Outcome(StrEnum):
    """What became of a file."""

    ENROLLED = "enrolled"
    ADDED = "added"
    KNOWN_ALREADY = "known_already"
    REFUSED = "refused"


class Import(Document):
    """Photos of known people on their way into profiles."""

    id = fields.StringField(primary_key=True)
    place = fields.StringField(required=True)
    active = fields.StringField(default=ACTIVE)
    state = fields.EnumField(ImportState, default=ImportState.QUEUED)
    kind = fields.EnumField(ImportKind, required=True)
    source = fields.StringField(required=True)
    force = fields.BooleanField(default=False)
    next = fields.StringField(default="")  # the order of the last file that is done
    total = fields.IntField(default=0)
    read_bytes = fields.LongField(default=0)
    counts = fields.DictField()  # by outcome
    codes = fields.DictField()  # of refusals
    created_by = fields.StringField(default="")
    created_at = TimestampField(required=True)
    finished_at = TimestampField()
    heartbeat = TimestampField(required=True)
    lease_owner = fields.StringField(default="")
    lease_until = fields.LongField(default=0)
    cancel_requested = fields.BooleanField(default=False)
    waiting_for = fields.StringField(default="")
    failure = fields.StringField(default="")
    failure_code = fields.StringField(default="")
    fence = fields.IntField(default=0)  # the last erasure's number when the import was accepted

    meta: ClassVar = {
        "collection": "imports",
        "indexes": ["place", "active"],
        "auto_create_index": True,
    }

    @property
    def is_active(self) -> bool:
        """Say whether there is still something to do for this import."""
        return self.state in (ImportState.QUEUED, ImportState.WORKING)


class ImportedFile(Document):
    """A file of an import, and what became of it."""

    id = fields.StringField(primary_key=True)
    place = fields.StringField(required=True)
    outcome_place = fields.StringField(required=True)
    user_place = fields.StringField(required=True)
    other_place = fields.StringField()
    path = fields.StringField(required=True)
    user_id = fields.StringField(default="")
    outcome = fields.EnumField(Outcome, required=True)
    code = fields.StringField(default="")
    detail = fields.StringField(default="")

    meta: ClassVar = {
        "collection": "import_lines",  # "…_files" is GridFS's: nx-27017 would lose updates
        "indexes": ["place", "outcome_place", "user_place", "other_place"],
        "auto_create_index": True,
    }

"""Documents of imports: the job, and one record per file."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from mongoengine import Document, fields

from storage.jobs import Job

ACTIVE = "active"  # value of the indexed field ``active`` of every unfinished import; "" afterwards


class ImportState(StrEnum):
    """State of an import; the last three are final."""

    QUEUED = "queued"
    WORKING = "working"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportKind(StrEnum):
    """Source of the photos: a zip kept by us, a bucket, or a local folder given to a command."""

    ZIP = "zip"
    FOLDER = "folder"
    PATH = "path"


class Outcome(StrEnum):
    """Outcome of one file."""

    ENROLLED = "enrolled"
    ADDED = "added"
    KNOWN_ALREADY = "known_already"
    REFUSED = "refused"


class Import(Job):
    """An import of photos of known people into profiles."""

    id = fields.StringField(primary_key=True)
    sort_key = fields.StringField(required=True, db_field="place")
    active = fields.StringField(default=ACTIVE)
    state = fields.EnumField(ImportState, default=ImportState.QUEUED)
    kind = fields.EnumField(ImportKind, required=True)
    source = fields.StringField(required=True)
    force = fields.BooleanField(default=False)
    next = fields.StringField(default="")  # sort key of the last processed file
    total = fields.IntField(default=0)
    read_bytes = fields.LongField(default=0)
    counts = fields.DictField()  # number of files by outcome
    codes = fields.DictField()  # number of refused files by code
    created_by = fields.StringField(default="")
    fence = fields.IntField(default=0)  # the last erasure's number when the import was accepted

    meta: ClassVar[dict[str, Any]] = {
        "collection": "imports",
        "indexes": ["sort_key", "active"],
        "auto_create_index": True,
    }

    @property
    def is_active(self) -> bool:
        """Whether the import is unfinished."""
        return self.state in (ImportState.QUEUED, ImportState.WORKING)


class ImportedFile(Document):
    """A file of an import and its outcome."""

    id = fields.StringField(primary_key=True)
    sort_key = fields.StringField(required=True, db_field="place")
    outcome_sort_key = fields.StringField(required=True, db_field="outcome_place")
    user_sort_key = fields.StringField(required=True, db_field="user_place")
    other_sort_key = fields.StringField(db_field="other_place")
    path = fields.StringField(required=True)
    user_id = fields.StringField(default="")
    outcome = fields.EnumField(Outcome, required=True)
    code = fields.StringField(default="")
    detail = fields.StringField(default="")

    meta: ClassVar = {
        "collection": "import_lines",  # "…_files" is GridFS's name: nx-27017 would lose updates
        "indexes": ["sort_key", "outcome_sort_key", "user_sort_key", "other_sort_key"],
        "auto_create_index": True,
    }

"""Documents of assignments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from mongoengine import Document, fields

from storage.fields import TimestampField

MACHINE = "machine"


class Strategy(StrEnum):
    """How a cluster was assigned: by its centroid, by a vote of its faces, or by a reviewer."""

    CENTROID = "centroid"
    VOTE = "vote"
    MANUAL = "manual"


class AssignmentState(StrEnum):
    """Assigned automatically, confirmed by a reviewer, or rejected by a reviewer."""

    ASSIGNED = "assigned"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Assignment(Document):
    """The assignment of a cluster of a run to a profile; at most one per cluster.

    ``rejected`` are the profiles that reviewers rejected. With state ``rejected`` the cluster is
    unassigned, and ``user_id`` is the rejected profile. ``proposed…`` is the automatic assignment
    from before the first manual decision.
    """

    id = fields.StringField(primary_key=True)
    run = fields.StringField(required=True)
    collection = fields.StringField(required=True)
    cluster = fields.StringField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
    user_id = fields.StringField(required=True)
    user_sort_key = fields.StringField(required=True, db_field="user_place")
    similarity = fields.FloatField(default=0.0)
    strategy = fields.EnumField(Strategy, required=True)
    threshold = fields.FloatField(default=0.0)
    margin = fields.FloatField(default=0.0)
    runner_up = fields.StringField(default="")
    runner_up_similarity = fields.FloatField(default=0.0)
    face_count = fields.IntField(default=0)
    state = fields.EnumField(AssignmentState, default=AssignmentState.ASSIGNED)
    rejected = fields.ListField(fields.StringField())
    proposed = fields.DictField()
    proposed_user = fields.StringField(default="")
    proposed_by = fields.EnumField(Strategy)
    decided_by = fields.StringField(default=MACHINE)
    version = fields.IntField(default=1)
    created_at = TimestampField(required=True)
    updated_at = TimestampField(required=True)

    meta = {
        "collection": "assignments",
        "indexes": ["sort_key", "user_sort_key"],
        "auto_create_index": True,
    }

    @staticmethod
    def id_for(run: str, label: str) -> str:
        """Return the id of a cluster's assignment."""
        return sha256(f"{run}\t{label}".encode()).hexdigest()[:24]

    @staticmethod
    def sort_key_for(run: str, label: str, *, faces: int = 1) -> str:
        """Return the sort key: run, then cluster number; emptied clusters have another prefix."""
        within = f"{run}/" if faces else emptied_sort_key(run)
        return f"{within}{int(label.removeprefix('cluster_')):08d}"

    @staticmethod
    def user_sort_key_for(user_id: str, at: datetime, assignment_id: str) -> str:
        """Return the sort key of a person's assignments, by time."""
        return f"{user_id}\t{int(at.timestamp() * 1000):013d}/{assignment_id}"

    @property
    def is_by_person(self) -> bool:
        """Say whether a reviewer decided it."""
        return self.decided_by != MACHINE

    @property
    def is_held(self) -> bool:
        """Say whether the cluster is assigned and has faces."""
        return self.state != AssignmentState.REJECTED and self.face_count > 0


def emptied_sort_key(run: str) -> str:
    """Return the prefix of the sort keys of clusters that decisions left without faces."""
    return f"{run}!emptied/"

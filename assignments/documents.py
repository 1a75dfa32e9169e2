"""What assignments store: whose a cluster is, who decided, and how sure that is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from mongoengine import Document, fields

from storage.fields import TimestampField

END_OF_PLACES = "\U0010ffff"
MACHINE = "machine"


class Strategy(StrEnum):
    """How a cluster was matched; by hand means that a person said so."""

    CENTROID = "centroid"
    VOTE = "vote"
    MANUAL = "manual"


class AssignmentState(StrEnum):
    """Proposed by the machine, agreed to by a person, or refused by one."""

    ASSIGNED = "assigned"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Assignment(Document):
    """Whose a cluster is: one for each cluster of a run.

    ``rejected`` are the profiles that people said it is not; with state ``rejected`` it is
    nobody's, and ``user_id`` is whom it was taken from. ``proposed…`` is what the machine had said
    before a person did.
    """

    id = fields.StringField(primary_key=True)
    run = fields.StringField(required=True)
    collection = fields.StringField(required=True)
    cluster = fields.StringField(required=True)
    place = fields.StringField(required=True)
    user_id = fields.StringField(required=True)
    user_place = fields.StringField(required=True)
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
        "indexes": ["place", "user_place"],
        "auto_create_index": True,
    }

    @staticmethod
    def id_for(run: str, label: str) -> str:
        """Return the id of a cluster's assignment."""
        return sha256(f"{run}\t{label}".encode()).hexdigest()[:24]

    @staticmethod
    def place_for(run: str, label: str, *, faces: int = 1) -> str:
        """Return the order key: those of a run as its clusters, but for the emptied ones."""
        within = f"{run}/" if faces else emptied_place(run)
        return f"{within}{int(label.removeprefix('cluster_')):08d}"

    @staticmethod
    def user_place_for(user_id: str, at: datetime, assignment_id: str) -> str:
        """Return the order key: a person's assignments by time."""
        return f"{user_id}\t{int(at.timestamp() * 1000):013d}/{assignment_id}"

    @property
    def is_by_person(self) -> bool:
        """Say whether a person decided it."""
        return self.decided_by != MACHINE

    @property
    def is_held(self) -> bool:
        """Say whether the cluster is somebody's."""
        return self.state != AssignmentState.REJECTED and self.face_count > 0


def emptied_place(run: str) -> str:
    """Return what the order keys begin with of clusters that decisions left without a face."""
    return f"{run}!emptied/"

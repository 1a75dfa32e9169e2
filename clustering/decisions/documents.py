"""Documents of the event log: one immutable document per decision."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from mongoengine import Document, fields

from clustering.decisions.events import DecisionEvent, EventKind
from clustering.documents import collection_sort_key
from storage.fields import TimestampField

SAME_PICTURE = 0.98  # cosine similarity of a face and itself, rotated or saved again


class Decision(Document):
    """A reviewer's decision, appended under the next sequence number of its collection.

    ``moved`` are faces; ``was`` and ``became`` are their old and new persons (or noise, ignored,
    not_a_face), one value standing for all of them. ``pins`` are faces that represented the
    persons ``pins_of``; ``label`` is the label of a new person in ``run``. ``seen`` is what was
    displayed: labels, versions, similarities, thresholds, model; stored as text, because its keys
    are arbitrary.
    """

    id = fields.StringField(primary_key=True)
    collection = fields.StringField(required=True)
    seq = fields.IntField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
    kind = fields.EnumField(EventKind, required=True)
    by = fields.StringField(required=True)
    by_sort_key = fields.StringField(db_field="by_place")
    at = TimestampField(required=True)
    run = fields.StringField(required=True)

    faces = fields.ListField(fields.StringField())
    person = fields.StringField(default="")
    other = fields.StringField(default="")
    user = fields.StringField(default="")
    undoes = fields.StringField(default="")
    label = fields.StringField(default="")

    moved = fields.ListField(fields.StringField())
    was = fields.ListField(fields.StringField())
    became = fields.ListField(fields.StringField())
    pins = fields.ListField(fields.StringField())
    pins_of = fields.ListField(fields.StringField())
    seen_text = fields.StringField(default="{}")

    meta = {
        "collection": "decisions",
        "indexes": ["sort_key", "by_sort_key"],
        "auto_create_index": True,
    }

    @staticmethod
    def id_for(collection: str, seq: int) -> str:
        """Return the id of a collection's decision with this number; unique per number."""
        return f"{sha256(collection.encode()).hexdigest()[:16]}{seq:08d}"

    @staticmethod
    def sort_key_for(collection: str, seq: int) -> str:
        """Return the sort key: decisions of one collection are contiguous, oldest first."""
        return collection_sort_key(collection, f"{seq:08d}")

    @staticmethod
    def by_sort_key_for(by: str, collection: str, seq: int) -> str:
        """Return the sort key of one reviewer's decisions about a collection, oldest first."""
        return f"{by}\t{collection}\t{seq:08d}"

    @property
    def seen(self) -> dict[str, Any]:
        """Return the decoded ``seen_text``: what was displayed at the decision."""
        seen: dict[str, Any] = json.loads(self.seen_text)
        return seen

    @property
    def event(self) -> DecisionEvent:
        """Return the decision as an event for ``DecisionState``."""
        pins: dict[str, list[str]] = {}
        for face, person in zip(self.pins, self.pins_of, strict=True):
            pins.setdefault(person, []).append(face)
        return DecisionEvent(
            id=self.id,
            seq=self.seq,
            kind=self.kind,
            faces=tuple(self.moved if self.kind == EventKind.MERGE else self.faces),
            person=self.person,
            other=self.other,
            user=self.user,
            undoes=self.undoes,
            sources=tuple(sorted(set(self.was))),
            pins={person: tuple(faces) for person, faces in pins.items()},
        )

    @property
    def moves(self) -> list[tuple[str, str, str]]:
        """Return (face, old person, new person) of each moved face."""
        count = len(self.moved)
        was = self.was * count if len(self.was) == 1 else self.was
        became = self.became * count if len(self.became) == 1 else self.became
        return list(zip(self.moved, was, became, strict=True))


class DecidedFace(Document):
    """The embedding of a face with decisions, to recognise it again in another file."""

    id = fields.StringField(primary_key=True)
    collection = fields.StringField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
    embedder = fields.StringField(required=True)
    vector = fields.BinaryField(required=True)

    meta = {"collection": "decided_faces", "indexes": ["sort_key"], "auto_create_index": True}

"""The kinds of decisions, and a decision as an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """What a reviewer decided about faces or clusters."""

    CONFIRM = "confirm"
    REJECT = "reject"
    MOVE = "move"
    SPLIT = "split"
    MERGE = "merge"
    NOT_SAME = "not_same"
    NOT_A_FACE = "not_a_face"
    IGNORE = "ignore"
    RESTORE = "restore"
    CHOOSE_COVER = "choose_cover"
    CHOOSE_PROFILE = "choose_profile"
    CONFIRM_PROFILE = "confirm_profile"
    REJECT_PROFILE = "reject_profile"
    ALLOW_TWICE = "allow_twice"
    UNDO = "undo"


NOISE = "noise"
OUT = {EventKind.NOT_A_FACE: "not_a_face", EventKind.IGNORE: "ignored"}
NO_PERSON = (NOISE, *OUT.values())  # locations of faces without a person

SHAPING = (
    EventKind.REJECT,
    EventKind.MOVE,
    EventKind.SPLIT,
    EventKind.MERGE,
)  # decisions of a reviewer who saw all faces of a person
ATTACHING = (EventKind.CONFIRM, EventKind.MOVE, EventKind.SPLIT)
USER = "user:"
NAMING = (EventKind.CHOOSE_PROFILE, EventKind.CONFIRM_PROFILE)


@dataclass(frozen=True)
class DecisionEvent:
    """A decision as an event of the log.

    ``person`` is the person that faces are confirmed in, moved to or rejected from, that remains
    after a merge, or that is named; ``other`` is the person that is merged away, split from, or
    not the same. Person ids are stable across runs. ``sources`` are the persons that faces are
    moved from. ``pins`` are the faces that represented a person at the time of the decision.
    """

    id: str
    seq: int
    kind: EventKind
    faces: tuple[str, ...] = ()
    person: str = ""
    other: str = ""
    user: str = ""
    undoes: str = ""
    sources: tuple[str, ...] = ()
    pins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> bool:
        """Say whether it names the profile of a person; False after that profile's redaction."""
        return bool(self.user) and self.kind in (*NAMING, EventKind.MOVE)

    @property
    def shapes(self) -> set[str]:
        """Return the persons whose set of faces this decision shaped."""
        if self.kind not in SHAPING:
            return set()
        return {self.person, self.other, *self.sources} - {"", *NO_PERSON}

    def touches(self) -> set[str]:
        """Return the faces and persons whose state it changes."""
        if self.kind in (EventKind.MERGE, EventKind.NOT_SAME, EventKind.SPLIT):
            return {*self.faces, self.person, self.other}
        if self.kind in (*NAMING, EventKind.REJECT_PROFILE, EventKind.CHOOSE_COVER):
            return {self.person}
        if self.names:
            return {*self.faces, self.person}
        return set(self.faces)


def user_node(user_id: str) -> str:
    """Return the node that represents a profile in the graph of persons."""
    return f"{USER}{user_id}"


def is_user(node: str) -> bool:
    """Say whether a node represents a profile."""
    return node.startswith(USER)


def user_of(node: str) -> str:
    """Return the profile id of a node."""
    return node.removeprefix(USER)

"""The kinds of decisions, and one decision as the law reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """What a person decided about faces, or about clusters."""

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
NO_PERSON = (NOISE, *OUT.values())  # where a face can be that belongs to no person

SHAPING = (
    EventKind.REJECT,
    EventKind.MOVE,
    EventKind.SPLIT,
    EventKind.MERGE,
)  # who looked at a whole person
ATTACHING = (EventKind.CONFIRM, EventKind.MOVE, EventKind.SPLIT)
USER = "user:"
NAMING = (EventKind.CHOOSE_PROFILE, EventKind.CONFIRM_PROFILE)


@dataclass(frozen=True)
class DecisionEvent:
    """A decision as the law reads it.

    ``person`` is whom the faces are confirmed in, moved to or rejected from, who stays in a merge,
    who is named; ``other`` is who is merged away, split from, or not the same. Persons are ids
    that live from run to run. ``sources`` are whom faces are moved from. ``pins`` are
    faces that stood for a person when it was made.
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
        """Say whether it says which profile a person is; one that was erased is nobody's."""
        return bool(self.user) and self.kind in (*NAMING, EventKind.MOVE)

    @property
    def shapes(self) -> set[str]:
        """Return the persons that somebody looked at and gave the faces they have."""
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
    """Return the node of a profile among the persons."""
    return f"{USER}{user_id}"


def is_user(node: str) -> bool:
    """Say whether a node is that of a profile."""
    return node.startswith(USER)


def user_of(node: str) -> str:
    """Return the profile of a node."""
    return node.removeprefix(USER)

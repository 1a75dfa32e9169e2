"""What somebody decided last, so that one key takes it back: kept in their session."""

from __future__ import annotations

from typing import TypedDict

from django.contrib.sessions.backends.base import SessionBase

from clustering.decisions.documents import Decision
from clustering.decisions.kinds import NOISE, OUT, Kind

SESSION_KEY = "decided"
REMEMBERED = 50

SENTENCES = {
    Kind.CONFIRM: "{faces} confirmed in {cluster}.",
    Kind.REJECT: "{faces} rejected from {cluster}.",
    Kind.MOVE: "{faces} moved to {to}.",
    Kind.SPLIT: "{faces} split from {cluster} as {to}.",
    Kind.MERGE: "{other} merged into {cluster}.",
    Kind.NOT_SAME: "{cluster} and {other} are not the same person.",
    Kind.NOT_A_FACE: "{faces}: not a face.",
    Kind.IGNORE: "{faces} ignored.",
    Kind.RESTORE: "{faces} restored.",
    Kind.CHOOSE_COVER: "{cluster} has another cover.",
    Kind.CHOOSE_PROFILE: "{cluster} is {user}.",
    Kind.CONFIRM_PROFILE: "{cluster} is {user}, confirmed.",
    Kind.REJECT_PROFILE: "{cluster} is not {user}.",
    Kind.ALLOW_TWICE: "The photo may show one person twice.",
    Kind.UNDO: "Undone.",
}


class Decided(TypedDict):
    """A decision that can be taken back: its id, its collection, and what it was in words."""

    id: str
    path: str
    text: str


def decided_sentence(
    decision: Decision, *, cluster: str = "", other: str = "", to: str = ""
) -> str:
    """Return a decision in words; clusters are called as the reader sees them."""
    count = len(decision.faces)
    return SENTENCES[decision.kind].format(
        faces=f"{count} face{'' if count == 1 else 's'}",
        cluster=cluster,
        other=other,
        to=_target(decision, called=to),
        user=decision.user or "somebody who was erased",
    )


def decided_remember(session: SessionBase, decision: Decision, text: str) -> None:
    """Put a decision on top of what can be taken back."""
    one = Decided(id=decision.id, path=decision.collection, text=text)
    session[SESSION_KEY] = [*session.get(SESSION_KEY, []), one][-REMEMBERED:]


def decided_last(session: SessionBase, path: str) -> Decided | None:
    """Return what somebody decided last about a collection, None if nothing is left."""
    of_it: list[Decided] = [one for one in session.get(SESSION_KEY, []) if one["path"] == path]
    return of_it[-1] if of_it else None


def decided_newest(session: SessionBase) -> Decided | None:
    """Return what somebody decided last about any collection, None if nothing is left."""
    remembered: list[Decided] = session.get(SESSION_KEY, [])
    return remembered[-1] if remembered else None


def decided_forget(session: SessionBase, decision_id: str) -> None:
    """Take a decision off what can be taken back."""
    session[SESSION_KEY] = [one for one in session.get(SESSION_KEY, []) if one["id"] != decision_id]


def _target(decision: Decision, *, called: str) -> str:
    """Return where faces were moved to."""
    if decision.person in (NOISE, *OUT.values()):
        return decision.person
    return called or decision.label or decision.user or "their cluster"

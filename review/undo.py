"""The last decision of a reviewer as a sentence, for the undo key; read from the event log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state, list_decisions_by
from clustering.decisions.events import NOISE, OUT, EventKind
from profiles.selectors import get_profile_names

DECIDED_IN = "decided_in"  # session key: the collection of the last decision
REMEMBERED = timedelta(hours=12)
LOOKED_AT = 100  # decisions of a reviewer to read, including undone ones

SENTENCES = {
    EventKind.CONFIRM: "{faces} confirmed in {cluster}.",
    EventKind.REJECT: "{faces} rejected from {cluster}.",
    EventKind.MOVE: "{faces} moved to {to}.",
    EventKind.SPLIT: "{faces} split from {cluster} as {to}.",
    EventKind.MERGE: "{other} merged into {cluster}.",
    EventKind.NOT_SAME: "{cluster} and {other} are not the same person.",
    EventKind.NOT_A_FACE: "{faces}: not a face.",
    EventKind.IGNORE: "{faces} ignored.",
    EventKind.RESTORE: "{faces} restored.",
    EventKind.CHOOSE_COVER: "{cluster} has another cover.",
    EventKind.CHOOSE_PROFILE: "{cluster} is {user}.",
    EventKind.CONFIRM_PROFILE: "{cluster} is {user}, confirmed.",
    EventKind.REJECT_PROFILE: "{cluster} is not {user}.",
    EventKind.ALLOW_TWICE: "The photo may show one person twice.",
    EventKind.UNDO: "Undone.",
}


@dataclass(frozen=True)
class UndoableDecision:
    """A decision that can be undone: its id, its collection's path, and a sentence about it."""

    id: str
    path: str
    text: str
    at: datetime


def decision_sentence(
    decision: Decision, *, cluster: str = "", other: str = "", to: str = "", user: str = ""
) -> str:
    """Return a sentence about a decision, with the given names of clusters and people."""
    count = len(decision.faces)
    called = user or decision.user
    return SENTENCES[decision.kind].format(
        faces=f"{count} face{'' if count == 1 else 's'}",
        cluster=cluster,
        other=other,
        to=_target(decision, called=to or called),
        user=called or "an erased person",
    )


def last_undoable(who: str, path: str) -> UndoableDecision | None:
    """Return the last decision of a reviewer about a collection that can be undone, or None.

    Only decisions of the last 12 hours count.
    """
    with decision_state(path) as state:
        for one in list_decisions_by(who, path, limit=LOOKED_AT):
            if one.at < timezone.now() - REMEMBERED:
                return None
            if one.kind != EventKind.UNDO and state.is_active(one.id):
                return UndoableDecision(one.id, path, decision_text(one), one.at)
    return None


def decision_text(decision: Decision) -> str:
    """Return a sentence about a decision, with the cluster names of the time it was made."""
    seen, user = decision.seen, decision.user
    return decision_sentence(
        decision,
        cluster=str(seen.get("cluster", "")),
        other=str(seen.get("other", "")),
        user=get_profile_names([user]).get(user, "") if user else "",
    )


def _target(decision: Decision, *, called: str) -> str:
    """Return the name of the destination of moved faces."""
    if decision.person in (NOISE, *OUT.values()):
        return "the unmatched faces" if decision.person == NOISE else decision.person
    return called or decision.label or "their person"

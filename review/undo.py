"""What somebody decided last, in words, so that one key takes it back: read from the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state, list_decisions_by
from clustering.decisions.events import NOISE, OUT, EventKind
from profiles.selectors import get_profile_names

DECIDED_IN = "decided_in"  # of a session: the collection somebody decided about last
REMEMBERED = timedelta(hours=12)
LOOKED_AT = 100  # decisions of somebody, undone ones among them

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
    """A decision that can be taken back: its id, its collection, and what it was in words."""

    id: str
    path: str
    text: str
    at: datetime


def decision_sentence(
    decision: Decision, *, cluster: str = "", other: str = "", to: str = "", user: str = ""
) -> str:
    """Return a decision in words; clusters and people are called as the reader sees them."""
    count = len(decision.faces)
    called = user or decision.user
    return SENTENCES[decision.kind].format(
        faces=f"{count} face{'' if count == 1 else 's'}",
        cluster=cluster,
        other=other,
        to=_target(decision, called=to or called),
        user=called or "somebody who was erased",
    )


def last_undoable(who: str, path: str) -> UndoableDecision | None:
    """Return what somebody decided last about a collection and can take back, None without."""
    with decision_state(path) as state:
        for one in list_decisions_by(who, path, limit=LOOKED_AT):
            if one.at < timezone.now() - REMEMBERED:
                return None
            if one.kind != EventKind.UNDO and state.is_active(one.id):
                return UndoableDecision(one.id, path, decision_text(one), one.at)
    return None


def decision_text(decision: Decision) -> str:
    """Return a decision in words, with clusters as they were called when it was made."""
    seen, user = decision.seen, decision.user
    return decision_sentence(
        decision,
        cluster=str(seen.get("cluster", "")),
        other=str(seen.get("other", "")),
        user=get_profile_names([user]).get(user, "") if user else "",
    )


def _target(decision: Decision, *, called: str) -> str:
    """Return where faces were moved to."""
    if decision.person in (NOISE, *OUT.values()):
        return decision.person
    return called or decision.label or "their cluster"

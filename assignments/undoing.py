"""What somebody decided last, in words, so that one key takes it back: read from the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from clustering.decisions.documents import Decision
from clustering.decisions.kinds import NOISE, OUT, Kind
from clustering.decisions.log import decisions_by, law_of
from profiles.selectors import profile_names

DECIDED_IN = "decided_in"  # of a session: the collection somebody decided about last
REMEMBERED = timedelta(hours=12)
LOOKED_AT = 100  # decisions of somebody, undone ones among them

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


@dataclass(frozen=True)
class Decided:
    """A decision that can be taken back: its id, its collection, and what it was in words."""

    id: str
    path: str
    text: str
    at: datetime


def decided_sentence(
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


def decided_last(who: str, path: str) -> Decided | None:
    """Return what somebody decided last about a collection and can take back, None without."""
    with law_of(path) as law:
        for one in decisions_by(who, path, limit=LOOKED_AT):
            if one.at < timezone.now() - REMEMBERED:
                return None
            if one.kind != Kind.UNDO and law.is_active(one.id):
                return Decided(one.id, path, decided_text(one), one.at)
    return None


def decided_text(decision: Decision) -> str:
    """Return a decision in words, with clusters as they were called when it was made."""
    seen, user = decision.seen, decision.user
    return decided_sentence(
        decision,
        cluster=str(seen.get("cluster", "")),
        other=str(seen.get("other", "")),
        user=profile_names([user]).get(user, "") if user else "",
    )


def _target(decision: Decision, *, called: str) -> str:
    """Return where faces were moved to."""
    if decision.person in (NOISE, *OUT.values()):
        return decision.person
    return called or decision.label or "their cluster"

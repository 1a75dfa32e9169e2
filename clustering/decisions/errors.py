"""Errors of decisions."""

from __future__ import annotations

from storage.errors import Conflict, Missing, Refused


class NoSuchDecision(Missing):
    """No decision has this id."""

    code = "no_such_decision"


class NothingToDecide(Refused):
    """The decision names no faces, or lacks what its kind needs."""

    code = "incomplete_decision"


class OtherCollection(Refused):
    """A face or cluster belongs to another collection than the decision."""

    code = "other_collection"


class SameCluster(Refused):
    """A cluster cannot be merged with itself, or kept apart from itself."""

    code = "same_cluster"


class StaleDecision(Conflict):
    """There are newer decisions than the displayed version; `changed` lists them."""

    code = "stale"


class RegroupedSince(StaleDecision):
    """The labels belong to a run that is no longer current, and mean other people now."""


class ContradictsDecisions(Conflict):
    """The decision contradicts earlier ones; `chain` lists them."""

    code = "contradiction"


class NotUndoable(Conflict):
    """Later decisions about the same faces are active; `later` lists them."""

    code = "not_undoable"

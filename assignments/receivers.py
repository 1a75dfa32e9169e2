"""What other floors tell of, that assignments have to follow."""

from __future__ import annotations

from django.dispatch import receiver

from assignments.following import assignments_carry, assignments_follow, assignments_rebuild
from assignments.looks import looks_forget
from assignments.services import assignments_of_run_delete
from clustering.decisions.documents import Decision
from clustering.decisions.law import Law
from clustering.documents import Run
from clustering.signals import (
    collection_purged,
    decision_written,
    decisions_rebuilding,
    groups_forgotten,
    groups_switching,
)


@receiver(groups_forgotten)
def assignments_follow_groups(sender: object, run_id: str, **_: object) -> None:
    """Remove the assignments of clusters that are about to go."""
    assignments_of_run_delete(run_id)


@receiver(groups_switching)
def assignments_follow_people(sender: object, run: Run, before: Run | None, **_: object) -> None:
    """Let the clusters of a new run have what those they continue had."""
    assignments_carry(run, before)


@receiver(decision_written)
def assignments_follow_decision(
    sender: object, run: Run, decision: Decision, labels: list[str], **_: object
) -> None:
    """Write whose the clusters are now that a decision changed."""
    assignments_follow(run, decision, labels)


@receiver(decisions_rebuilding)
def assignments_compare(
    sender: object, *, run: Run, law: Law, repair: bool, **_: object
) -> list[str]:
    """Return the clusters that are somebody else's than people said; write it if asked."""
    return assignments_rebuild(run, law, repair=repair)


@receiver(collection_purged)
def looks_follow_collection(sender: object, path: str, **_: object) -> None:
    """Remove what is remembered of a collection that is gone."""
    looks_forget(path)

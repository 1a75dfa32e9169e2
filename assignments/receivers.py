"""Receivers of signals from clustering."""

from __future__ import annotations

from django.dispatch import receiver

from assignments.services import delete_assignments_of_run
from assignments.sync import carry_over, rebuild_assignments, sync_with_decisions
from clustering.decisions.documents import Decision
from clustering.decisions.state import DecisionState
from clustering.documents import Run
from clustering.signals import (
    decision_written,
    decisions_rebuilding,
    groups_forgotten,
    groups_switching,
)


@receiver(groups_forgotten)
def delete_assignments_of_groups(sender: object, run_id: str, **_: object) -> None:
    """Delete the assignments of clusters that are about to be deleted."""
    delete_assignments_of_run(run_id)


@receiver(groups_switching)
def carry_assignments_over(sender: object, run: Run, before: Run | None, **_: object) -> None:
    """Copy the assignments of the previous run to the clusters of the same persons."""
    carry_over(run, before)


@receiver(decision_written)
def sync_assignments_with_decision(
    sender: object, run: Run, decision: Decision, labels: list[str], **_: object
) -> None:
    """Update the assignments of the clusters that a decision changed."""
    sync_with_decisions(run, decision, labels)


@receiver(decisions_rebuilding)
def compare_assignments_with_log(
    sender: object, *, run: Run, state: DecisionState, repair: bool, **_: object
) -> list[str]:
    """Return the clusters whose assignment differs from the event log; repair them if asked."""
    return rebuild_assignments(run, state, repair=repair)

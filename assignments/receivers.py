"""What other floors tell of, that assignments have to follow."""

from __future__ import annotations

from django.dispatch import receiver

from assignments.deciding import assignments_carry
from assignments.services import assignments_of_run_delete
from clustering.documents import Run
from clustering.signals import groups_forgotten, groups_switching


@receiver(groups_forgotten)
def assignments_follow_groups(sender: object, run_id: str, **_: object) -> None:
    """Remove the assignments of clusters that are about to go."""
    assignments_of_run_delete(run_id)


@receiver(groups_switching)
def assignments_follow_people(sender: object, run: Run, before: Run | None, **_: object) -> None:
    """Let the clusters of a new run have what those they continue had."""
    assignments_carry(run, before)

"""What other floors tell of, that assignments have to follow."""

from __future__ import annotations

from django.dispatch import receiver

from assignments.services import assignments_of_run_delete
from clustering.signals import groups_forgotten


@receiver(groups_forgotten)
def assignments_follow_groups(sender: object, run_id: str, **_: object) -> None:
    """Remove the assignments of clusters that are about to go."""
    assignments_of_run_delete(run_id)

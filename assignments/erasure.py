"""Erase a person from all stores. Safe to repeat: it finishes what a crash left.

The profile is hidden first, so that nothing new can name the person, and goes last, so that
whoever repeats an erasure finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assignments.services import assignments_of_user_forget, assignments_of_user_left
from profiles.photos import ProfileStores
from profiles.services import Receipt, profile_erase, profile_hide


@dataclass(frozen=True)
class PersonReceipt:
    """What an erasure removed, and what a look afterwards still found."""

    profile: Receipt
    assignments_removed: int
    assignments_left: int
    answers_removed: int
    answers_left: int

    @property
    def is_complete(self) -> bool:
        """Say whether nothing of the person is left."""
        return self.profile.is_complete and not self.assignments_left


def person_erase(
    user_id: str, *, stores: ProfileStores, forget_answers: Callable[[str], int]
) -> PersonReceipt:
    """Remove a person's assignments, kept answers, photos, crops, vectors and profile.

    ``forget_answers`` removes answers kept for repeated requests, and says how many.
    """
    profile_hide(user_id)
    answers = forget_answers(user_id)
    removed = assignments_of_user_forget(user_id)
    receipt = profile_erase(user_id, stores)
    return PersonReceipt(
        receipt,
        assignments_removed=removed + assignments_of_user_forget(user_id),
        assignments_left=assignments_of_user_left(user_id),
        answers_removed=answers,
        answers_left=forget_answers(user_id),
    )

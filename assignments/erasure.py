"""Erase a person from all stores. Safe to repeat: it finishes what a crash left.

The profile is hidden first, so that nothing new can name the person, and goes last, so that
whoever repeats an erasure finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assignments.services import assignments_of_user_forget, assignments_of_user_left
from clustering.decisions.forgetting import decisions_forget, decisions_naming
from profiles.imports.importing import imported_files_forget, imported_files_left
from profiles.photos import ProfileStores
from profiles.services import Receipt, profile_erase, profile_hide


@dataclass(frozen=True)
class Around:
    """What names a person besides the profile."""

    assignments: int
    decisions: int
    import_lines: int
    answers: int

    def __add__(self, other: Around) -> Around:
        """Add up what two looks removed."""
        return Around(
            self.assignments + other.assignments,
            self.decisions + other.decisions,
            self.import_lines + other.import_lines,
            self.answers + other.answers,
        )


@dataclass(frozen=True)
class PersonReceipt:
    """What an erasure removed, and what a look afterwards still found."""

    profile: Receipt
    removed: Around
    left: Around

    @property
    def is_complete(self) -> bool:
        """Say whether nothing of the person is left."""
        return self.profile.is_complete and self.left == Around(0, 0, 0, 0)


def person_named(user_id: str) -> Around:
    """Count what names a person besides the profile; kept answers are not looked through."""
    return Around(
        assignments_of_user_left(user_id),
        decisions_naming(user_id),
        imported_files_left(user_id),
        answers=0,
    )


def person_erase(
    user_id: str, *, stores: ProfileStores, forget_answers: Callable[[str], int]
) -> PersonReceipt:
    """Remove a person's assignments, kept answers, photos, crops, vectors and profile.

    ``forget_answers`` removes answers kept for repeated requests, and says how many.
    """

    def forget() -> Around:
        return Around(
            assignments_of_user_forget(user_id),
            decisions_forget(user_id),
            imported_files_forget(user_id),
            forget_answers(user_id),
        )

    profile_hide(user_id)
    before = forget()
    receipt = profile_erase(user_id, stores)
    after = forget()  # whoever was in the middle of naming the person when it was hidden
    left = Around(
        assignments_of_user_left(user_id),
        decisions_naming(user_id),
        imported_files_left(user_id),
        forget_answers(user_id),
    )
    return PersonReceipt(receipt, removed=before + after, left=left)

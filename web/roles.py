"""Three roles, each including the previous one: viewer, reviewer, admin."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Viewers read; reviewers also decide and enrol; admins also change settings and delete."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Say whether this role has all permissions of the other."""
        order = list(Role)
        return order.index(self) >= order.index(other)

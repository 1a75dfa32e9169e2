"""Three roles, each able to do what the one before can: viewer, reviewer, admin."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody may do: read; also decide and enrol; also settings, keys and deletion."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Say whether this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)

"""Errors of assignments."""

from __future__ import annotations

from storage.errors import Conflict, Missing, Refused


class NoProfiles(Conflict):
    """No person is enrolled yet, so no cluster can be assigned."""

    code = "no_profiles"


class NoSuchAssignment(Missing):
    """No assignment has this id."""

    code = "no_such_assignment"


class AssignmentExists(Conflict):
    """The cluster is already assigned: by `assignment_id`, to `user_id`."""

    code = "assignment_exists"


class StaleAssignment(Conflict):
    """The assignment was changed since it was read; `assignment` is its current state."""

    code = "stale"


class NotCurrent(Conflict):
    """The cluster belongs to an earlier run; `clustering_id` is the current run."""

    code = "not_current"


class NotAPerson(Refused):
    """Noise has faces of many people, so it cannot be assigned."""

    code = "not_a_person"

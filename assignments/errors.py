"""What assignments refuse, as classes."""

from __future__ import annotations

from storage.errors import Conflict, Missing, Refused


class NoProfiles(Conflict):
    """Nobody is known yet, so no cluster can be theirs."""

    code = "no_profiles"


class NoSuchAssignment(Missing):
    """No assignment has this id."""

    code = "no_such_assignment"


class AssignmentExists(Conflict):
    """The cluster is assigned already; `assignment_id` and `user_id` say how."""

    code = "assignment_exists"


class StaleAssignment(Conflict):
    """Somebody changed the assignment since; `assignment` is how it is now."""

    code = "stale"


class NotCurrent(Conflict):
    """The cluster is of an earlier run; `clustering_id` is the run that readers see."""

    code = "not_current"


class NotAPerson(Refused):
    """Noise is nobody, so it cannot be assigned."""

    code = "not_a_person"

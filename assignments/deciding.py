"""Decisions that may speak of profiles: these have to be there."""

from __future__ import annotations

from assignments.selectors import people_erased
from clustering.decisions.deciding import Asked
from clustering.decisions.documents import Decision
from clustering.decisions.forgetting import decisions_forget
from clustering.edge import request_decision
from profiles.errors import NoSuchProfile
from profiles.selectors import profile_get


def request_decided(path: str, asked: Asked, *, by: str, dry_run: bool = False) -> Decision:
    """Decide about a collection; a profile that is named has to be there."""
    if asked.user_id:
        profile_get(asked.user_id)
    decision = request_decision(path, asked, by=by, dry_run=dry_run)
    if asked.user_id and not dry_run and people_erased([asked.user_id]):
        decisions_forget(asked.user_id)  # the erasure looked before the decision was there
        raise NoSuchProfile("The person was erased meanwhile.")
    return decision

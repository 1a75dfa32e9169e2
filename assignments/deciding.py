"""Decisions that may speak of profiles: these have to be there."""

from __future__ import annotations

from clustering.decisions.deciding import Asked
from clustering.decisions.documents import Decision
from clustering.edge import request_decision
from profiles.selectors import profile_get


def request_decided(path: str, asked: Asked, *, by: str, dry_run: bool = False) -> Decision:
    """Decide about a collection; a profile that is named has to be there."""
    if asked.user_id:
        profile_get(asked.user_id)
    return request_decision(path, asked, by=by, dry_run=dry_run)

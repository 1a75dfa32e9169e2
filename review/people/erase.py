"""Erase a person from all stores. Idempotent: a repeated call finishes an interrupted erasure.

Order: the tombstone is written first, so that work accepted earlier no longer writes about the
person; then the profile is hidden. The profile is deleted last, so that a repeated erasure finds
it. An erasure is complete when no record names the person and no active work can write one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field

from django.conf import settings
from django.utils import timezone

from assignments.services import count_user_assignments, forget_user_assignments
from clustering.decisions.redaction import count_decisions_naming, redact_decisions
from profiles.errors import NoSuchProfile
from profiles.imports.context import import_limits
from profiles.imports.erasing import (
    OpenImport,
    count_import_traces,
    find_imports_naming,
    forget_import_traces,
)
from profiles.reference_photos import ProfileStores
from profiles.selectors import find_profile, stored_references
from profiles.services import Receipt, erase_profile, hide_profile
from profiles.tombstones import (
    Tombstone,
    close_tombstone,
    find_unfinished,
    finish_tombstone,
    start_tombstone,
)
from review.people.erasure_files import (
    count_failures_left,
    flush_files,
    forget_failures_naming,
    log_files,
)
from storage.buckets import open_bucket
from web.personal_data import (
    count_login_traces,
    count_logs_naming,
    count_open_keyed_requests,
    forget_login_traces,
    mask_logs,
)

POLL_S = 0.2


@dataclass(frozen=True)
class PersonReferences:
    """Number of references to a person outside of the profile."""

    assignments: int = 0
    decisions: int = 0
    import_lines: int = 0
    answers: int = 0
    messages: int = 0
    login_attempts: int = 0
    failed_tasks: int = 0
    log_files: int = 0

    def __add__(self, other: PersonReferences) -> PersonReferences:
        """Add the counts of two passes."""
        return PersonReferences(
            *(a + b for a, b in zip(astuple(self), astuple(other), strict=True))
        )


@dataclass(frozen=True)
class Pending:
    """Active work that may still name the person: an import, requests, or a busy file."""

    kind: str
    detail: str
    import_id: str = ""


@dataclass(frozen=True)
class PersonReceipt:
    """Counts of removed references, of references found afterwards, and pending work."""

    profile: Receipt
    removed: PersonReferences
    left: PersonReferences
    pending: list[Pending] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Return whether no reference is left and no pending work can write one."""
        return self.profile.is_complete and self.left == PersonReferences() and not self.pending


def count_person_references(user_id: str) -> PersonReferences:
    """Count the references to a person outside of the profile."""
    return _count_left(user_id, [user_id])


def erase_person(
    user_id: str,
    *,
    stores: ProfileStores,
    wait_seconds: float | None = None,
    logged_seq: int | None = None,
) -> PersonReceipt:
    """Remove a person from all stores.

    Waits up to ``wait_seconds`` for active imports with files of the person. Work that is still
    active then is listed in the receipt, and the sweep finishes the erasure later. ``logged_seq``
    is the number of an erasure that is replayed from the log. Raises NoSuchProfile.
    """
    tombstone = _open_tombstone(user_id, logged_seq)
    words = [user_id, *([tombstone.name] if tombstone.name else [])]
    hide_profile(user_id)
    hidden = timezone.now()  # a request that began before this may still answer with the person
    before = _remove_references(user_id, words)
    first = erase_profile(user_id, stores)
    wait = settings.ERASURE_WAIT_SECONDS if wait_seconds is None else wait_seconds
    pending = _wait_for_pending(user_id, hidden, wait_seconds=wait)
    # Second pass: records written while the person was being hidden, or by imports since.
    after = _remove_references(user_id, words)
    profile_receipt = first.followed_by(erase_profile(user_id, stores))
    receipt = PersonReceipt(profile_receipt, before + after, _count_left(user_id, words), pending)
    return _close(tombstone, receipt) if receipt.is_complete else receipt


def _open_tombstone(user_id: str, logged_seq: int | None) -> Tombstone:
    """Return the tombstone of the person's unfinished erasure, or of a new one.

    An unfinished erasure is continued even if an older entry of the log is replayed: its tombstone
    may be the last record of the person's name.
    """
    profile, unfinished = find_profile(user_id), find_unfinished(user_id)
    if unfinished is not None and unfinished.user_id and unfinished.seq >= (logged_seq or 0):
        return unfinished
    is_known = profile is not None or stored_references(user_id) or unfinished is not None
    if not is_known and logged_seq is None:
        raise NoSuchProfile(f"There is no profile with the id {user_id}.")
    return start_tombstone(
        user_id,
        name=profile.name if profile is not None else unfinished.name if unfinished else "",
        seq_at_least=logged_seq or 0,
        is_logged=logged_seq is not None,
    )


def flush(tombstones: Iterable[Tombstone]) -> list[Pending]:
    """Overwrite deleted content in the stores' files and record the erasures as complete."""
    busy = flush_files()
    if not busy:
        for tombstone in tombstones:
            finish_tombstone(tombstone)
    return [
        Pending("file", f"The {name} is in use, so deleted content is not overwritten yet.")
        for name in busy
    ]


def _close(tombstone: Tombstone, receipt: PersonReceipt) -> PersonReceipt:
    """Close the tombstone of an erasure without remains, and clean the stores' files."""
    closed = close_tombstone(tombstone)
    if closed is None:
        pending = [Pending("erasure", "Another erasure of this person has begun meanwhile.")]
    else:
        pending = flush([closed])
    return PersonReceipt(receipt.profile, receipt.removed, receipt.left, pending)


def _remove_references(user_id: str, words: list[str]) -> PersonReferences:
    """Remove references to a person outside of the profile; return how many."""
    rows = forget_login_traces(user_id, words[1:])
    return PersonReferences(
        forget_user_assignments(user_id),
        redact_decisions(user_id, words[1:]),
        forget_import_traces(user_id),
        rows.answers,
        rows.messages,
        rows.login_attempts,
        forget_failures_naming(user_id),
        mask_logs(log_files(), words),
    )


def _count_left(user_id: str, words: list[str]) -> PersonReferences:
    """Count references to a person outside of the profile."""
    rows = count_login_traces(user_id, words[1:])
    return PersonReferences(
        count_user_assignments(user_id),
        count_decisions_naming(user_id, words[1:]),
        count_import_traces(user_id),
        rows.answers,
        rows.messages,
        rows.login_attempts,
        count_failures_left(user_id),
        count_logs_naming(log_files(), words),
    )


def _wait_for_pending(user_id: str, hidden: object, *, wait_seconds: float) -> list[Pending]:
    """Wait for active work that may name the person; return the work that is still active."""
    until = time.monotonic() + wait_seconds
    imports = find_imports_naming(user_id, limits=import_limits(), open_bucket=open_bucket)
    while True:
        imports = [one for one in imports if not one.is_done_with()]
        requests = count_open_keyed_requests(hidden)
        if not (imports or requests) or time.monotonic() >= until:
            return [*map(_import_pending, imports), *_requests_pending(requests)]
        time.sleep(POLL_S)


def _import_pending(one: OpenImport) -> Pending:
    return Pending(
        "import",
        f"The import {one.import_id} is going on and may hold photos of this person. None of them "
        "is taken any more; they are removed when it ends, or when it is cancelled.",
        import_id=one.import_id,
    )


def _requests_pending(count: int) -> list[Pending]:
    detail = f"Requests with an Idempotency-Key that have no answer yet: {count}."
    return [Pending("request", detail)] if count else []

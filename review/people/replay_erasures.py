"""Repeat erasures that were undone by a restored backup, or interrupted by a crash or an import."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from assignments.documents import Assignment
from clustering.decisions.documents import Decision
from profiles.context import profile_stores
from profiles.documents import Profile, ReferencePhoto
from profiles.erasure_log import LogEntry, append_log, read_log
from profiles.errors import NoSuchProfile
from profiles.imports.documents import ImportedFile
from profiles.tombstones import (
    TombstoneState,
    key_mark,
    list_tombstones,
    person_key,
    record_tombstone,
    tombstone_numbers,
)
from review.people.erase import PersonReceipt, erase_person, flush
from storage.errors import unavailable_from
from storage.mongo import iter_fields

logger = logging.getLogger(__name__)

ID_FIELDS = (
    (Profile, "_id"),
    (ReferencePhoto, "user_id"),
    (ImportedFile, "user_id"),
    (Assignment, "user_id"),
    (Decision, "user"),
)
REQUEST_MARGIN = timedelta(seconds=60)  # after the longest wait of a request that erases


@dataclass
class ReplayedErasures:
    """Result of a replay; ``other_key`` counts erasures logged with another SECRET_KEY."""

    entries: int = 0
    other_key: int = 0
    erased: list[PersonReceipt] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Return whether all entries could be compared and all people found are erased."""
        return not self.other_key and all(one.is_complete for one in self.erased)


def replay_log(file: Path | None = None) -> ReplayedErasures:
    """Erase people whom the stores contain from before their logged erasure.

    Entries of another file than the installation's own log are appended to the own log.
    """
    done, own = ReplayedErasures(), settings.ERASURE_LOG
    entries = list(read_log(file or own))
    if file is not None and file.resolve() != own.resolve():
        known = {(one.person, one.seq) for one in read_log(own)}
        for entry in entries:
            if (entry.person, entry.seq) not in known:
                append_log(own, entry)
    done.entries = len(entries)
    done.other_key = sum(1 for one in entries if one.key != key_mark())
    newest: dict[str, LogEntry] = {}
    for entry in sorted(entries, key=lambda one: one.seq):
        if entry.key == key_mark():
            newest[entry.person] = entry
    done.erased = _erase_known(newest)
    return done


def sweep_erasures() -> int:
    """Finish interrupted erasures, and replay logged erasures without a tombstone.

    A tombstone is missing after the stores were restored from an older backup. Returns the number
    of processed people.
    """
    stored = tombstone_numbers()
    missing = {
        one.person: one
        for one in sorted(read_log(settings.ERASURE_LOG), key=lambda one: one.seq)
        if one.key == key_mark() and one.seq > stored.get(one.person, 0)
    }
    processed = len(_erase_known(missing)) if missing else 0
    processed += len(_erase_outdated(stored))
    if flushing := list_tombstones(TombstoneState.FLUSHING):
        flush(flushing)
        processed += len(flushing)
    before = timezone.now() - REQUEST_MARGIN - timedelta(seconds=settings.ERASURE_WAIT_SECONDS)
    for tombstone in list_tombstones(TombstoneState.ERASING):
        if tombstone.user_id and tombstone.started_at < before:
            processed += _try_to_erase(tombstone.user_id) is not None
    return processed


def _erase_known(wanted: Mapping[str, LogEntry]) -> list[PersonReceipt]:
    """Erase stored people of some log entries unless enrolled again since; record tombstones."""
    erased = []
    found = {
        user_id: wanted[person_key(user_id)]
        for user_id in _stored_people()
        if person_key(user_id) in wanted
    }
    fences, failed = _fences(found), set[str]()
    for user_id, entry in found.items():
        if fences.get(user_id, -1) >= entry.seq:
            continue  # enrolled again after the erasure
        logger.warning("A person who was erased is stored again, as after a restore; erasing.")
        receipt = _try_to_erase(user_id, logged_seq=entry.seq)
        if receipt is None:
            failed.add(entry.person)
        else:
            erased.append(receipt)
    for entry in wanted.values():
        if entry.person not in failed:
            record_tombstone(entry)
    return erased


def _erase_outdated(numbers: Mapping[str, int]) -> list[PersonReceipt]:
    """Erase profiles that a killed process wrote after the person had been erased."""
    if not numbers:
        return []
    outdated = [
        str(one["_id"])
        for one in iter_fields(Profile, {}, ["fence"])
        if numbers.get(person_key(one["_id"]), 0) > one.get("fence", 0)
    ]
    receipts = [_try_to_erase(user_id) for user_id in outdated]
    return [receipt for receipt in receipts if receipt is not None]


def _try_to_erase(user_id: str, *, logged_seq: int | None = None) -> PersonReceipt | None:
    """Erase a person; None if that fails, so that one person does not block the others.

    Raises Unavailable: without the stores no erasure can succeed.
    """
    try:
        return erase_person(user_id, stores=profile_stores(), wait_seconds=0, logged_seq=logged_seq)
    except NoSuchProfile:
        return None  # the process that wrote the profile has removed it again
    except Exception as error:
        if unavailable_from(error) is not None:
            raise
        logger.exception("The erasure of a person failed; the next sweep repeats it.")
        return None


def _stored_people() -> set[str]:
    """Return the ids of all people in the id fields of the stores."""
    return {
        str(user_id)
        for kind, name in ID_FIELDS
        for user_id in (one.get(name) for one in iter_fields(kind, {}, [name]))
        if user_id
    }


def _fences(user_ids: Iterable[str]) -> dict[str, int]:
    """Return the fence of each profile by user id."""
    found = iter_fields(Profile, {"_id": {"$in": sorted(user_ids)}}, ["fence"])
    return {str(one["_id"]): int(one.get("fence", 0)) for one in found}

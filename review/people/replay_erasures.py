"""Repeat erasures that a restored backup, a crash or a slow import left undone."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
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
from storage.mongo import iter_fields

logger = logging.getLogger(__name__)

NAMING = (
    (Profile, "_id"),
    (ReferencePhoto, "user_id"),
    (ImportedFile, "user_id"),
    (Assignment, "user_id"),
    (Decision, "user"),
)
SURELY_OVER = timedelta(seconds=60)  # after the longest wait of a request that erases


@dataclass
class Replayed:
    """What a replay did; ``other_key`` counts erasures logged with another SECRET_KEY."""

    entries: int = 0
    other_key: int = 0
    erased: list[PersonReceipt] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Say whether every erasure was compared, and every person who was found is erased."""
        return not self.other_key and all(one.is_complete for one in self.erased)


def replay_log(file: Path | None = None) -> Replayed:
    """Erase the people of a log that the stores have from before their erasure.

    Entries of another file than the installation's own are added to that one.
    """
    done, own = Replayed(), settings.ERASURE_LOG
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
    """Finish erasures that were cut short, and replay those that the stores do not know.

    The stores do not know of an erasure when they were restored from a backup made before it.
    Return how many people were looked at.
    """
    stored = tombstone_numbers()
    missing = {
        one.person: one
        for one in sorted(read_log(settings.ERASURE_LOG), key=lambda one: one.seq)
        if one.key == key_mark() and one.seq > stored.get(one.person, 0)
    }
    looked_at = len(_erase_known(missing)) if missing else 0
    looked_at += len(_erase_outdated(stored))
    for tombstone in list_tombstones(TombstoneState.FLUSHING):
        flush(tombstone)
        looked_at += 1
    before = timezone.now() - SURELY_OVER - timedelta(seconds=settings.ERASURE_WAIT_SECONDS)
    for tombstone in list_tombstones(TombstoneState.ERASING):
        if tombstone.user_id and tombstone.started_at < before:
            erase_person(tombstone.user_id, stores=profile_stores(), wait_seconds=0)
            looked_at += 1
    return looked_at


def _erase_known(wanted: Mapping[str, LogEntry]) -> list[PersonReceipt]:
    """Erase the people of some log entries who are stored from before; record the other entries."""
    erased = []
    found = {
        user_id: wanted[person_key(user_id)]
        for user_id in _stored_people()
        if person_key(user_id) in wanted
    }
    fences = _fences(found)
    for user_id, entry in found.items():
        if fences.get(user_id, -1) >= entry.seq:
            continue  # enrolled again after the erasure
        logger.warning("A person who was erased is stored again, as after a restore; erasing.")
        erased.append(
            erase_person(user_id, stores=profile_stores(), wait_seconds=0, logged_seq=entry.seq)
        )
    for entry in wanted.values():
        record_tombstone(entry)
    return erased


def _erase_outdated(numbers: Mapping[str, int]) -> list[PersonReceipt]:
    """Erase profiles that a killed process wrote for people who had been erased."""
    if not numbers:
        return []
    outdated = [
        str(one["_id"])
        for one in iter_fields(Profile, {}, ["fence"])
        if numbers.get(person_key(one["_id"]), 0) > one.get("fence", 0)
    ]
    erased = []
    for user_id in outdated:
        with suppress(NoSuchProfile):  # the process that wrote it has taken it back
            erased.append(erase_person(user_id, stores=profile_stores(), wait_seconds=0))
    return erased


def _stored_people() -> set[str]:
    """Return the ids of all people that the stores name in a field of their own."""
    return {
        str(user_id)
        for kind, name in NAMING
        for user_id in (one.get(name) for one in iter_fields(kind, {}, [name]))
        if user_id
    }


def _fences(user_ids: Iterable[str]) -> dict[str, int]:
    """Return the fences of some people's profiles."""
    found = iter_fields(Profile, {"_id": {"$in": sorted(user_ids)}}, ["fence"])
    return {str(one["_id"]): int(one.get("fence", 0)) for one in found}

"""Tombstones of erased people: they reject work that was accepted before the erasure.

Each erasure takes the next number of a counter. Work stores the number that was current when it was
accepted (its *fence*, as in fencing tokens), so clocks need not agree. A tombstone's id is a keyed
hash of the user id; the user id itself is stored only while the erasure is in progress.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from mongoengine import Document, fields
from mongoengine.errors import NotUniqueError

from profiles.erasure_log import LogEntry, append_log
from profiles.errors import PersonErased, ProfileErasing
from storage.fields import TimestampField
from storage.mongo import iter_fields

COUNTER = "erasures"
ATTEMPTS = 5


class TombstoneState(StrEnum):
    """Erasing: in progress. Flushing: the stores' files are not yet cleaned. Erased: complete."""

    ERASING = "erasing"
    FLUSHING = "flushing"
    ERASED = "erased"


class Tombstone(Document):
    """An erasure of a person; ``seq`` is its number. Id and name are set until it is complete."""

    id = fields.StringField(primary_key=True)
    seq = fields.IntField(required=True)
    state = fields.EnumField(TombstoneState, required=True)
    user_id = fields.StringField(default="")
    name = fields.StringField(default="")
    started_at = TimestampField(required=True)

    meta: ClassVar = {"collection": "tombstones", "indexes": ["state"], "auto_create_index": True}


class ErasureCounter(Document):
    """The number of the last erasure."""

    id = fields.StringField(primary_key=True)
    value = fields.IntField(required=True)

    meta: ClassVar = {"collection": "erasure_counters", "auto_create_index": True}


def person_key(user_id: str) -> str:
    """Return the keyed hash under which a person's tombstone is stored."""
    return str(salted_hmac("profiles.tombstones", user_id, algorithm="sha256").hexdigest())


def key_mark() -> str:
    """Return a short fingerprint of the hash key, to recognise hashes made with another key."""
    return person_key("")[:8]


def current_fence() -> int:
    """Return the number of the last erasure; work accepted now stores it."""
    value = ErasureCounter.objects(id=COUNTER).scalar("value").first()
    return int(value or 0)


def check_tombstone(user_id: str, fence: int) -> None:
    """Raise ProfileErasing or PersonErased for work that an erasure of the person precludes.

    The erasure is in progress, or has begun since the work was accepted.
    """
    found = Tombstone.objects(id=person_key(user_id)).first()
    if found is None:
        return
    if found.state == TombstoneState.ERASING:
        raise ProfileErasing(
            f"{user_id} is being erased; enrol again when the erasure is complete."
        )
    if found.seq > fence:
        raise PersonErased(
            "The person was erased after this request was accepted, so it was not carried out. "
            "Send a new request if the person is to be enrolled again."
        )


def is_erased_since(user_id: str, fence: int) -> bool:
    """Return whether an erasure of the person has begun since the work was accepted."""
    found = Tombstone.objects(id=person_key(user_id)).only("seq", "state").first()
    return found is not None and found.seq > fence


def find_unfinished(user_id: str) -> Tombstone | None:
    """Return the tombstone of an incomplete erasure, or None."""
    found = Tombstone.objects(id=person_key(user_id)).first()
    return None if found is None or found.state == TombstoneState.ERASED else found


def start_tombstone(
    user_id: str, *, name: str, seq_at_least: int = 0, is_logged: bool = False
) -> Tombstone:
    """Write and return the tombstone of a new erasure.

    The erasure is appended to the erasure log first, unless it is replayed from there
    (``is_logged``), so that it survives a restore of the document store.
    """
    seq, key = _next_number(at_least=seq_at_least), person_key(user_id)
    if not is_logged:
        append_log(
            settings.ERASURE_LOG,
            LogEntry(
                person=key, seq=seq, at=timezone.now().isoformat(timespec="seconds"), key=key_mark()
            ),
        )
    _write(key, seq, state=TombstoneState.ERASING, user_id=user_id, name=name)
    return Tombstone.objects(id=key).first()


def close_tombstone(tombstone: Tombstone) -> Tombstone | None:
    """Remove id and name from a tombstone after all references to the person were removed.

    The tombstone gets a new number, so that work accepted during the erasure is rejected too.
    Returns None if another erasure of the person has begun since.
    """
    return Tombstone.objects(id=tombstone.id, seq=tombstone.seq).modify(
        new=True,
        set__state=TombstoneState.FLUSHING,
        set__user_id="",
        set__name="",
        set__seq=_next_number(),
    )


def finish_tombstone(tombstone: Tombstone) -> None:
    """Record that an erasure is complete."""
    Tombstone.objects(id=tombstone.id, seq=tombstone.seq).modify(set__state=TombstoneState.ERASED)


def record_tombstone(entry: LogEntry) -> None:
    """Store the tombstone of a log entry whose person is not stored."""
    _next_number(at_least=entry.seq)
    _write(entry.person, entry.seq, state=TombstoneState.ERASED, user_id="", name="")


def list_tombstones(state: TombstoneState) -> list[Tombstone]:
    """Return the tombstones in a state."""
    return list(Tombstone.objects(state=state))


def list_people_being_erased() -> list[str]:
    """Return the ids of people whose erasure is in progress, sorted."""
    return sorted(one.user_id for one in list_tombstones(TombstoneState.ERASING) if one.user_id)


def tombstone_numbers() -> dict[str, int]:
    """Return the number of each stored tombstone by the person's keyed hash."""
    return {str(one["_id"]): int(one["seq"]) for one in iter_fields(Tombstone, {}, ["seq"])}


def _write(key: str, seq: int, *, state: TombstoneState, user_id: str, name: str) -> None:
    """Write a tombstone unless one with a higher number exists."""
    values = {
        "seq": seq,
        "state": state,
        "user_id": user_id,
        "name": name,
        "started_at": timezone.now(),
    }
    changed = Tombstone.objects(id=key, seq__lt=seq).modify(
        **{f"set__{name}": value for name, value in values.items()}
    )
    if changed is not None:
        return
    try:
        Tombstone(id=key, **values).save(force_insert=True)
    except NotUniqueError:  # another erasure of the person, with a higher number
        return


def _next_number(*, at_least: int = 0) -> int:
    """Take the next number, above ``at_least``: a restored counter may be behind the log."""
    for _ in range(ATTEMPTS):
        stored = ErasureCounter.objects(id=COUNTER).first()
        if stored is None:
            try:
                ErasureCounter(id=COUNTER, value=0).save(force_insert=True)
            except NotUniqueError:  # another process was faster
                continue
        ErasureCounter.objects(id=COUNTER, value__lt=at_least).modify(set__value=at_least)
        taken = ErasureCounter.objects(id=COUNTER).modify(new=True, inc__value=1)
        if taken is not None:
            return int(taken.value)
    raise ProfileErasing("Several erasures began at the same time; try again.")

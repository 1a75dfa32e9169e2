"""Tombstones of erased people: work that was accepted before an erasure may not bring them back.

Every erasure gets the next number of one counter. Work remembers the number that was current when
it was accepted (its *fence*), as with a fencing token, so no clocks have to agree. A tombstone
keeps a keyed hash of the user id; the id itself stands in it only while the erasure is going on.
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
    """An erasure is going on, has to clean the stores' files still, or is complete."""

    ERASING = "erasing"
    FLUSHING = "flushing"
    ERASED = "erased"


class Tombstone(Document):
    """An erasure of a person; ``seq`` is its number. Id and name are there while it goes on."""

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
    """Return a mark of the key that hashes are made with, to tell hashes of another key."""
    return person_key("")[:8]


def current_fence() -> int:
    """Return the number of the last erasure; work that is accepted now remembers it."""
    value = ErasureCounter.objects(id=COUNTER).scalar("value").first()
    return int(value or 0)


def check_tombstone(user_id: str, fence: int) -> None:
    """Refuse work on a person who is being erased, or was since the work was accepted."""
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
    """Say whether an erasure of a person has begun since some work was accepted."""
    found = Tombstone.objects(id=person_key(user_id)).only("seq", "state").first()
    return found is not None and found.seq > fence


def find_unfinished(user_id: str) -> Tombstone | None:
    """Return the tombstone of an erasure that is not complete."""
    found = Tombstone.objects(id=person_key(user_id)).first()
    return None if found is None or found.state == TombstoneState.ERASED else found


def start_tombstone(
    user_id: str, *, name: str, seq_at_least: int = 0, is_logged: bool = False
) -> Tombstone:
    """Write and return the tombstone of an erasure that begins.

    It is written to the erasure log first, unless it comes from there (``is_logged``), so that a
    restore of the document store does not lose it.
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
    """Take id and name out of a tombstone when nothing of the person is left.

    Its number goes up again, so that what was accepted while the erasure went on is refused too.
    None if another erasure of the person has begun since.
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
    """Store a log's tombstone of a person who is not stored."""
    _next_number(at_least=entry.seq)
    _write(entry.person, entry.seq, state=TombstoneState.ERASED, user_id="", name="")


def list_tombstones(state: TombstoneState) -> list[Tombstone]:
    """Return the tombstones in a state."""
    return list(Tombstone.objects(state=state))


def list_people_being_erased() -> list[str]:
    """Return the ids of people whose erasure has begun and still finds or waits for something."""
    return sorted(one.user_id for one in list_tombstones(TombstoneState.ERASING) if one.user_id)


def tombstone_numbers() -> dict[str, int]:
    """Return the number of each stored tombstone by the person's keyed hash."""
    return {str(one["_id"]): int(one["seq"]) for one in iter_fields(Tombstone, {}, ["seq"])}


def _write(key: str, seq: int, *, state: TombstoneState, user_id: str, name: str) -> None:
    """Write a tombstone unless one with a higher number is there."""
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
    """Take the next number; the counter of a restored store is behind the log and catches up."""
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

"""What is stored of the people we know: profiles, and the reference photos behind them.

A profile names its reference photos, and what it does not name is not in force. Vectors are bytes
of float32 and are left out of queries that do not need them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from mongoengine import Document, fields
from numpy.typing import NDArray

from storage.fields import TimestampField

MAX_PHOTOS = 100
MAX_NAME = 100  # characters
END_OF_PLACES = "\U0010ffff"
USER_ID = re.compile(r"(?!\.+$)[A-Za-z0-9_.@-]{1,64}", re.ASCII)
RESERVED = frozenset({"enrol", "import", "verify"})  # words in addresses beside the profiles' ids
USER_ID_RULE = (
    "A user id has 1 to 64 of the characters A-Z, a-z, 0-9, _, ., @ and -, is not made of "
    "dots alone, and is none of 'enrol', 'import' and 'verify'."
)
NAME_RULE = "A name has no line breaks or control characters."


class ProfileState(StrEnum):
    """A profile is there, or on its way out and no longer seen."""

    ACTIVE = "active"
    ERASING = "erasing"


def is_user_id(text: str) -> bool:
    """Say whether somebody can be known under this id; letters keep their case."""
    return USER_ID.fullmatch(text) is not None and text not in RESERVED


def is_name(text: str) -> bool:
    """Say whether a text can be a person's name: one line of what can be seen."""
    return all(letter.isprintable() for letter in text)


def fold_name(name: str) -> str:
    """Return a name as it is searched: without case, accents and surplus space."""
    plain = unicodedata.normalize("NFKD", " ".join(name.split()).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def search_key(name: str, user_id: str) -> str:
    """Return the order key of a name; no two people share one."""
    return f"{fold_name(name)}\t{user_id}"


def vector_to_bytes(vector: NDArray[np.float32]) -> bytes:
    """Return a vector as it is stored."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def vector_from_bytes(stored: bytes) -> NDArray[np.float32]:
    """Return a stored vector (d,)."""
    return np.frombuffer(bytes(stored), dtype="<f4").astype(np.float32)


def vectors_from_bytes(stored: Sequence[bytes]) -> NDArray[np.float32]:
    """Return stored vectors as one table (n, d)."""
    return (
        np.stack([vector_from_bytes(one) for one in stored])
        if stored
        else np.zeros((0, 0), np.float32)
    )


class Profile(Document):
    """A person we know."""

    user_id = fields.StringField(primary_key=True, regex=USER_ID)
    place = fields.StringField(required=True)
    name = fields.StringField(default="", max_length=MAX_NAME)
    search = fields.StringField(required=True)
    search_id = fields.StringField(required=True)
    origin = fields.StringField(required=True)  # the photo it was made from: an id may come again
    references = fields.ListField(fields.StringField())
    template = fields.BinaryField(required=True)
    embedder = fields.StringField(required=True)
    model = fields.StringField(required=True)
    dimension = fields.IntField(required=True)
    confidence = fields.FloatField(required=True)
    quality_score = fields.FloatField(required=True)
    state = fields.EnumField(ProfileState, default=ProfileState.ACTIVE)
    version = fields.IntField(default=1)
    created_at = TimestampField(required=True)
    updated_at = TimestampField(required=True)
    created_by = fields.StringField(default="")
    fence = fields.IntField(default=0)  # the last erasure's number when the enrolment was accepted

    meta = {
        "collection": "profiles",
        "indexes": ["place", "search", "search_id", "state"],
        "auto_create_index": True,
    }


class ReferencePhoto(Document):
    """A photo by which a person is known; its id names the stored photo and the face's crop."""

    id = fields.StringField(primary_key=True)
    user_id = fields.StringField(required=True)
    place = fields.StringField(required=True)
    digest = fields.StringField(required=True)
    vector = fields.BinaryField(required=True)
    embedder = fields.StringField(required=True)
    model = fields.StringField(required=True)
    bbox = fields.ListField(fields.FloatField())
    confidence = fields.FloatField(required=True)
    size = fields.FloatField(required=True)
    blur = fields.FloatField(required=True)
    pose = fields.FloatField(required=True)
    quality_score = fields.FloatField(required=True)
    width = fields.IntField(required=True)
    height = fields.IntField(required=True)
    created_at = TimestampField(required=True)
    added_by = fields.StringField(default="")
    fence = fields.IntField(default=0)  # the last erasure's number when the photo was accepted

    meta = {"collection": "reference_photos", "indexes": ["place"], "auto_create_index": True}


class ProfilesStamp(Document):
    """Changes whenever any profile has changed, so that what was read of all may be kept."""

    id = fields.StringField(primary_key=True)
    stamp = fields.StringField(required=True)

    meta = {"collection": "profiles_stamps", "auto_create_index": True}


def reference_place(user_id: str, reference_id: str = "") -> str:
    """Return the order key of a person's reference photo; without one, what theirs begin with."""
    return f"{user_id}\t{reference_id}"

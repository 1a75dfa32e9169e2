"""Documents of known people: profiles and their reference photos.

A reference photo is active only if its profile lists it. Vectors are stored as bytes of float32
and are left out of queries that do not need them.
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
USER_ID = re.compile(r"(?!\.+$)[A-Za-z0-9_.@-]{1,64}", re.ASCII)
RESERVED = frozenset({"enrol", "import", "verify"})  # fixed path segments beside the ids
USER_ID_RULE = (
    "A user id has 1 to 64 of the characters A-Z, a-z, 0-9, _, ., @ and -, is not made of "
    "dots alone, and is none of 'enrol', 'import' and 'verify'."
)
NAME_RULE = "A name has no line breaks or control characters."


class ProfileState(StrEnum):
    """An active profile, or one that is being erased and is hidden from all reads."""

    ACTIVE = "active"
    ERASING = "erasing"


def is_user_id(text: str) -> bool:
    """Say whether a text is a valid user id; ids are case-sensitive."""
    return USER_ID.fullmatch(text) is not None and text not in RESERVED


def is_name(text: str) -> bool:
    """Say whether a text can be a person's name: one line of printable characters."""
    return all(letter.isprintable() for letter in text)


def fold_name(name: str) -> str:
    """Return the search form of a name: without case, accents and surplus space."""
    plain = unicodedata.normalize("NFKD", " ".join(name.split()).casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def search_key(name: str, user_id: str) -> str:
    """Return the sort key of a name; unique, because it ends with the user id."""
    return f"{fold_name(name)}\t{user_id}"


def vector_to_bytes(vector: NDArray[np.float32]) -> bytes:
    """Return the stored form of a vector: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def vector_from_bytes(stored: bytes) -> NDArray[np.float32]:
    """Return a stored vector; shape (d,)."""
    return np.frombuffer(bytes(stored), dtype="<f4").astype(np.float32)


def vectors_from_bytes(stored: Sequence[bytes]) -> NDArray[np.float32]:
    """Return stored vectors as one array; shape (n, d), or (0, 0) without any."""
    return (
        np.stack([vector_from_bytes(one) for one in stored])
        if stored
        else np.zeros((0, 0), np.float32)
    )


class Profile(Document):
    """A known person; ``template`` is the quality-weighted mean of the reference vectors."""

    user_id = fields.StringField(primary_key=True, regex=USER_ID)
    sort_key = fields.StringField(required=True, db_field="place")
    name = fields.StringField(default="", max_length=MAX_NAME)
    search = fields.StringField(required=True)
    search_id = fields.StringField(required=True)
    # id of the first photo; tells this profile from an erased one with the same user id
    origin = fields.StringField(required=True)
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
        "indexes": ["sort_key", "search", "search_id", "state"],
        "auto_create_index": True,
    }


class ReferencePhoto(Document):
    """A reference photo of a person; its id also names the stored photo and the face crop."""

    id = fields.StringField(primary_key=True)
    user_id = fields.StringField(required=True)
    sort_key = fields.StringField(required=True, db_field="place")
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

    meta = {"collection": "reference_photos", "indexes": ["sort_key"], "auto_create_index": True}


class ProfilesStamp(Document):
    """A stamp that changes after every write of a profile; validates cached galleries."""

    id = fields.StringField(primary_key=True)
    stamp = fields.StringField(required=True)

    meta = {"collection": "profiles_stamps", "auto_create_index": True}


def reference_sort_key(user_id: str, reference_id: str = "") -> str:
    """Return the sort key of a person's reference photo; without a photo, the prefix of all."""
    return f"{user_id}\t{reference_id}"

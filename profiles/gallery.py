"""The templates of all known people as one matrix, read again only when a profile has changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from mongoengine import NotUniqueError
from numpy.typing import NDArray

from profiles.documents import Profile, ProfilesStamp, ProfileState, vectors_from_bytes
from storage.mongo import iter_fields

STAMP = "profiles"


@dataclass(frozen=True, eq=False)
class Gallery:
    """The templates (p, d) of one embedder by profile, and how many another one made."""

    user_ids: list[str]
    names: dict[str, str]
    templates: NDArray[np.float32]
    others: int


class _CachedGallery:
    """The last table of each embedder, by the stamp that was in force before it was read."""

    tables: dict[str, tuple[str, Gallery]] = {}  # noqa: RUF012 - one registry, never an instance


def load_gallery(embedder: str) -> Gallery:
    """Return the templates that an embedder made, as they are stored now."""
    stamp = ProfilesStamp.objects(id=STAMP).scalar("stamp").first()
    kept_by, kept = _CachedGallery.tables.get(embedder, ("", None))
    if kept is not None and kept_by == stamp:
        return kept
    table = _read_gallery(embedder)
    if stamp:
        _CachedGallery.tables[embedder] = (stamp, table)
    return table


def mark_profiles_changed() -> None:
    """Say that a profile was written, after it was: what was read of all is read again."""
    changed = ProfilesStamp(id=STAMP, stamp=uuid.uuid4().hex)
    try:
        changed.save()
    except NotUniqueError:  # two at once wrote the very first one
        changed.save()


def _read_gallery(embedder: str) -> Gallery:
    user_ids: list[str] = []
    names: dict[str, str] = {}
    rows: list[bytes] = []
    others = 0
    for one in iter_fields(Profile, {}, ["name", "embedder", "state", "template"]):
        if one["state"] == ProfileState.ERASING:
            continue
        if one["embedder"] != embedder:
            others += 1
            continue
        user_ids.append(one["_id"])
        names[one["_id"]] = one.get("name", "")
        rows.append(bytes(one["template"]))
    return Gallery(user_ids, names, vectors_from_bytes(rows), others)


LEAST_LENGTH = 1e-6  # of a mean: vectors that cancel each other out have no direction


def mean_template(
    vectors: NDArray[np.float32], quality: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the unit vector (d,) along the quality-weighted mean of unit vectors (n, d).

    Where no quality is above zero all count alike; where the mean vanishes the best vector stands.
    """
    weights = np.maximum(quality.astype(np.float64), 0.0)
    if not weights.sum() > 0:
        weights = np.ones(len(vectors))
    mean = (weights / weights.sum()) @ vectors.astype(np.float64)
    length = float(np.linalg.norm(mean))
    if length < LEAST_LENGTH:
        mean = vectors[int(np.argmax(weights))].astype(np.float64)
        length = float(np.linalg.norm(mean))
    return (mean / length).astype(np.float32)

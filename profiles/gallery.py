"""The gallery: the templates of all known people as one matrix, reloaded only after a change."""

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
    """Templates of one embedder, shape (p, d), in the order of ``user_ids``.

    ``others`` counts the profiles whose template another embedder made.
    """

    user_ids: list[str]
    names: dict[str, str]
    templates: NDArray[np.float32]
    others: int


class _CachedGallery:
    """The last gallery of each embedder, with the stamp that was read before it.

    The stamp is read first, so a change during the read invalidates the cached gallery.
    """

    tables: dict[str, tuple[str, Gallery]] = {}  # noqa: RUF012 - one registry, never an instance


def load_gallery(embedder: str) -> Gallery:
    """Return the gallery of an embedder, up to date with the last ``mark_profiles_changed``."""
    stamp = ProfilesStamp.objects(id=STAMP).scalar("stamp").first()
    kept_by, kept = _CachedGallery.tables.get(embedder, ("", None))
    if kept is not None and kept_by == stamp:
        return kept
    table = _read_gallery(embedder)
    if stamp:
        _CachedGallery.tables[embedder] = (stamp, table)
    return table


def mark_profiles_changed() -> None:
    """Invalidate all cached galleries; called after a profile was written."""
    changed = ProfilesStamp(id=STAMP, stamp=uuid.uuid4().hex)
    try:
        changed.save()
    except NotUniqueError:  # two processes created the stamp at the same time
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


LEAST_LENGTH = 1e-6  # of a mean: opposite vectors cancel each other out and leave no direction


def mean_template(
    vectors: NDArray[np.float32], quality: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the unit vector along the quality-weighted mean of unit vectors (n, d); shape (d,).

    If no quality is above zero, all weights are equal. If the mean vanishes, the vector of the
    best quality is returned.
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

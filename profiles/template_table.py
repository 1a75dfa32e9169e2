"""The templates of all known people as one matrix, read again only when a profile has changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np
from mongoengine import NotUniqueError
from numpy.typing import NDArray

from profiles.documents import Profile, ProfilesStamp, ProfileState, vectors_of
from storage.mongo import iter_fields

STAMP = "profiles"


@dataclass(frozen=True, eq=False)
class TemplateTable:
    """The templates (p, d) of one embedder by profile, and how many another one made."""

    user_ids: list[str]
    names: dict[str, str]
    templates: NDArray[np.float32]
    others: int


class _Kept:
    """The last table of each embedder, by the stamp that was in force before it was read."""

    tables: dict[str, tuple[str, TemplateTable]] = {}  # noqa: RUF012 - one registry, never an instance


def template_table(embedder: str) -> TemplateTable:
    """Return the templates that an embedder made, as they are stored now."""
    stamp = ProfilesStamp.objects(id=STAMP).scalar("stamp").first()
    kept_by, kept = _Kept.tables.get(embedder, ("", None))
    if kept is not None and kept_by == stamp:
        return kept
    table = _table_read(embedder)
    if stamp:
        _Kept.tables[embedder] = (stamp, table)
    return table


def profiles_changed() -> None:
    """Say that a profile was written, after it was: what was read of all is read again."""
    changed = ProfilesStamp(id=STAMP, stamp=uuid.uuid4().hex)
    try:
        changed.save()
    except NotUniqueError:  # two at once wrote the very first one
        changed.save()


def _table_read(embedder: str) -> TemplateTable:
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
    return TemplateTable(user_ids, names, vectors_of(rows), others)

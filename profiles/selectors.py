"""Read profiles and their reference photos; no writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiles.documents import (
    Profile,
    ProfileState,
    ReferencePhoto,
    fold_name,
    reference_sort_key,
    vectors_from_bytes,
)
from profiles.errors import NoSuchPhoto, NoSuchProfile
from storage.mongo import PREFIX_END, iter_fields, prefix_range

IDS_PER_QUERY = 100
STREAM = 500


@dataclass(frozen=True)
class FoundProfile:
    """A page of profiles, and the sort key where the next page begins (None on the last page)."""

    profiles: list[Profile]
    next_sort_key: str | None


def get_profile(user_id: str) -> Profile:
    """Return a person's profile; raise NoSuchProfile, also for one that is being erased."""
    profile = find_profile(user_id)
    if profile is None or profile.state == ProfileState.ERASING:
        raise NoSuchProfile(f"There is no profile with the id {user_id}.")
    return profile


def find_profile(user_id: str) -> Profile | None:
    """Return a profile in any state, or None."""
    return Profile.objects(user_id=user_id).first()


def profile_exists(user_id: str) -> bool:
    """Say whether an active profile has this id."""
    found = find_profile(user_id)
    return found is not None and found.state == ProfileState.ACTIVE


def get_profile_names(user_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of people by id; people without a name or a profile are left out."""
    return {
        str(one["_id"]): str(one["name"])
        for slice_ in _slices(sorted(set(user_ids)))
        for one in iter_fields(Profile, {"_id": {"$in": slice_}}, ["name"])
        if one.get("name")
    }


def list_profiles(*, after: str = "", limit: int) -> FoundProfile:
    """Return up to ``limit`` profiles by id, after the sort key ``after``."""
    people = _by("sort_key", "", after.removeprefix("place:"), limit=limit)
    return _found(people, limit=limit, sort_key=lambda one: f"place:{one.sort_key}")


def search_profiles(text: str, *, after: str = "", limit: int) -> FoundProfile:
    """Return up to ``limit`` people whose name or id begins with a text, ignoring case and accents.

    Matches by name come before matches by id; ``next_sort_key`` says in which of the two orders the
    page ended.
    """
    folded = fold_name(text)
    order, _, last = after.partition(":")

    def people() -> Iterator[Profile]:
        if order != "search_id":
            yield from _by("search", folded, last, limit=limit)
        for profile in _by("search_id", folded, last if order == "search_id" else "", limit=limit):
            if not profile.search.startswith(folded):
                yield profile

    def position(profile: Profile) -> str:
        field = "search" if profile.search.startswith(folded) else "search_id"
        return f"{field}:{getattr(profile, field)}"

    return _found(people(), limit=limit, sort_key=position)


def iter_profiles() -> Iterator[Profile]:
    """Iterate all profiles by id without their templates, including those being erased."""
    return _stream(Profile.objects.exclude("template"), "sort_key", "", "")


def list_erasing_profiles() -> list[str]:
    """Return the ids of people whose erasure has begun and not finished."""
    found = iter_fields(Profile, {"state": ProfileState.ERASING.value}, ["_id"])
    return sorted(str(one["_id"]) for one in found)


def count_profiles() -> int:
    """Return the estimated number of profiles that are not being erased."""
    return Profile._get_collection().estimated_document_count() - len(list_erasing_profiles())


def list_references(profile: Profile, *, with_vectors: bool = False) -> list[ReferencePhoto]:
    """Return the active reference photos in the order in which they were added."""
    found = {one.id: one for one in _references(profile.references, with_vectors=with_vectors)}
    return [found[one] for one in profile.references if one in found]


def get_reference(profile: Profile, reference_id: str) -> ReferencePhoto:
    """Return one active reference photo; raise NoSuchPhoto."""
    found = _references([reference_id], with_vectors=False)
    if reference_id not in profile.references or not found:
        raise NoSuchPhoto(f"{profile.user_id} has no reference photo with this id.")
    return found[0]


def stored_references(user_id: str) -> list[str]:
    """Return the ids of all photos stored for a person, active or not."""
    first = reference_sort_key(user_id)
    found = iter_fields(ReferencePhoto, {"place": prefix_range(first)}, ["_id"])
    return [str(one["_id"]) for one in found]


def iter_references() -> Iterator[ReferencePhoto]:
    """Iterate all reference photos by person, active or not, without their vectors."""
    return _stream(ReferencePhoto.objects.exclude("vector"), "sort_key", "", "")


def get_reference_vectors(
    user_ids: Sequence[str], embedder: str
) -> tuple[list[str], list[str], NDArray[np.float32]]:
    """Return user ids, photo ids and vectors (r, d) of the active photos made by an embedder."""
    named = [one for slice_ in _slices(user_ids) for one in _named_references(slice_)]
    owner = {reference: user_id for user_id, references in named for reference in references}
    kept: list[str] = []
    rows: list[bytes] = []
    for slice_ in _slices(owner):
        found = iter_fields(ReferencePhoto, {"_id": {"$in": slice_}}, ["embedder", "vector"])
        for one in found:
            if one["embedder"] == embedder:
                kept.append(one["_id"])
                rows.append(bytes(one["vector"]))
    return [owner[one] for one in kept], kept, vectors_from_bytes(rows)


def _named_references(user_ids: list[str]) -> Iterator[tuple[str, list[str]]]:
    for one in iter_fields(Profile, {"_id": {"$in": user_ids}}, ["references", "state"]):
        if one["state"] != ProfileState.ERASING:
            yield one["_id"], one["references"]


def _references(ids: Sequence[str], *, with_vectors: bool) -> list[ReferencePhoto]:
    """Return photos by id, in no particular order."""
    kind = ReferencePhoto.objects if with_vectors else ReferencePhoto.objects.exclude("vector")
    return [one for slice_ in _slices(ids) for one in kind.filter(id__in=slice_)]


def _by(field: str, prefix: str, after: str, *, limit: int) -> Iterator[Profile]:
    """Iterate active profiles by a field that begins with ``prefix``, after the value ``after``."""
    kind = Profile.objects.exclude("template")
    people = _stream(kind, field, prefix, after, slice_=limit + 1)
    return (one for one in people if one.state == ProfileState.ACTIVE)


def _found(people: Iterator[Profile], *, limit: int, sort_key: Any) -> FoundProfile:
    """Return a page of profiles; reads one more to know whether another page follows."""
    shown = list(islice(people, limit + 1))
    more = len(shown) > limit
    return FoundProfile(shown[:limit], sort_key(shown[limit - 1]) if more else None)


def _stream(
    kind: Any, field: str, prefix: str, after: str, *, slice_: int = STREAM
) -> Iterator[Any]:
    """Iterate documents by a field that begins with ``prefix``, ``slice_`` of them in memory."""
    after, end = max(after, prefix), prefix + PREFIX_END
    while True:
        bounds = {f"{field}__gt": after, f"{field}__lt": end}
        page = list(kind.filter(**bounds).order_by(field).limit(slice_))
        yield from page
        if len(page) < slice_:
            return
        after = getattr(page[-1], field)


def _slices(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield ids in portions of at most ``IDS_PER_QUERY``."""
    remaining = iter(ids)
    while portion := list(islice(remaining, IDS_PER_QUERY)):
        yield portion

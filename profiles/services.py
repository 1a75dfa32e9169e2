"""Write profiles: enrol, update, rename, remove a photo, erase.

A write creates a reference photo's document, its file and its crop, and then activates them by one
compare-and-set of the profile. The document comes first, so that everything a crash leaves behind
has an owner: an erasure finds it, and so does a consistency check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.utils import timezone
from mongoengine.errors import NotUniqueError

from profiles.documents import (
    MAX_PHOTOS,
    Profile,
    ProfileState,
    ReferencePhoto,
    search_key,
)
from profiles.errors import (
    LastPhoto,
    NoSuchProfile,
    ProfileBusy,
    ProfileErasing,
    ProfileExists,
    TooManyPhotos,
)
from profiles.gallery import mark_profiles_changed
from profiles.identity_check import reject_duplicates, reject_model_mix, verify_same_person
from profiles.photo_check import CheckedPhoto
from profiles.reference_photos import (
    ProfileStores,
    activate_profile,
    discard_references,
    summarise_photos,
    switch_photos,
    write_reference,
)
from profiles.selectors import (
    find_profile,
    get_profile,
    get_reference,
    list_references,
    stored_references,
)
from profiles.tombstones import check_tombstone, current_fence, find_unfinished, is_erased_since
from storage.errors import Conflict, Missing, Refused

ATTEMPTS = 20  # of a compare-and-set; each lost one means that another writer's succeeded


class Mode(StrEnum):
    """Whether a photo is added to the active ones or replaces all of them."""

    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True)
class Enrolled:
    """A profile, and the reference photo of the uploaded photo."""

    profile: Profile
    reference: ReferencePhoto


@dataclass(frozen=True)
class Counts:
    """Number of a person's objects, by store."""

    photos: int
    crops: int
    references: int
    templates: int

    def __add__(self, other: Counts) -> Counts:
        """Add the counts of two passes."""
        return Counts(
            self.photos + other.photos,
            self.crops + other.crops,
            self.references + other.references,
            self.templates + other.templates,
        )


@dataclass(frozen=True)
class Receipt:
    """What an erasure removed, and what a check afterwards still found: nothing if complete."""

    user_id: str
    removed: Counts
    left: Counts

    def followed_by(self, later: Receipt) -> Receipt:
        """Return the receipt of this erasure and one that followed it."""
        return Receipt(self.user_id, removed=self.removed + later.removed, left=later.left)

    @property
    def is_complete(self) -> bool:
        """Whether nothing of the person is left."""
        return not any(asdict(self.left).values())


def enrol_profile(
    user_id: str,
    photo: CheckedPhoto,
    *,
    name: str,
    force: bool,
    stores: ProfileStores,
    by: str,
    fence: int | None = None,
) -> Enrolled:
    """Write a profile for a new user id, unless the face is that of another profile.

    ``fence`` is the last erasure's number when the request was accepted; without one it is
    accepted now. Raises PersonErased if the person was erased since.
    """
    fence = current_fence() if fence is None else fence
    check_tombstone(user_id, fence)
    _check_vacancy(user_id)
    if not force:
        reject_duplicates(user_id, photo, nearer_than=-1.0)
    reference = write_reference(user_id, photo, stores=stores, by=by, fence=fence)
    profile = _profile_of(reference, name=name)
    try:
        profile.save(force_insert=True)
    except NotUniqueError:  # another request was faster
        discard_references([reference.id], stores=stores)
        _check_vacancy(user_id)
        raise ProfileBusy(f"{user_id} was being changed at the same time; try again.") from None
    mark_profiles_changed()
    if is_erased_since(user_id, fence):  # the erasure may have looked before this was written
        Profile.objects(user_id=user_id, origin=reference.id).delete()
        mark_profiles_changed()
        discard_references([reference.id], stores=stores)
        check_tombstone(user_id, fence)
    return Enrolled(profile, reference)


def update_profile(
    user_id: str,
    photo: CheckedPhoto,
    *,
    mode: Mode | str,
    force: bool,
    stores: ProfileStores,
    by: str,
    fence: int | None = None,
) -> Enrolled:
    """Let a photo join a profile's or replace them; one that is there already changes nothing.

    ``fence`` is the last erasure's number when the request was accepted; without one it is
    accepted now. Raises PersonErased if the person was erased since.
    """
    fence = current_fence() if fence is None else fence
    update = _Update(user_id, photo, Mode(mode), force=force, stores=stores, by=by, fence=fence)
    try:
        return _attempted(user_id, update.attempt)
    except (Conflict, Missing, Refused):
        update.withdraw()
        raise


def rename_profile(user_id: str, name: str) -> Profile:
    """Change a person's name."""
    renamed = activate_profile(user_id).modify(
        new=True,
        set__name=name,
        set__search=search_key(name, user_id),
        set__updated_at=timezone.now(),
        inc__version=1,
    )
    mark_profiles_changed()
    return renamed or get_profile(user_id)


def drop_reference(user_id: str, reference_id: str, *, stores: ProfileStores) -> Profile:
    """Remove a reference photo from a profile; raise LastPhoto for the only one."""

    def attempt(profile: Profile) -> Profile | None:
        get_reference(profile, reference_id)
        left = [
            one for one in list_references(profile, with_vectors=True) if one.id != reference_id
        ]
        if not left:
            raise LastPhoto(
                f"This is the only photo of {user_id}; add another one first, or erase the person."
            )
        return switch_photos(profile, left)

    profile = _attempted(user_id, attempt)
    discard_references([reference_id], stores=stores)
    return profile


def hide_profile(user_id: str) -> None:
    """Begin a person's erasure: the profile is hidden from all reads and can no longer change."""
    hidden = Profile.objects(user_id=user_id).modify(
        set__state=ProfileState.ERASING, set__updated_at=timezone.now(), inc__version=1
    )
    mark_profiles_changed()
    if hidden is None and not (stored_references(user_id) or find_unfinished(user_id)):
        raise NoSuchProfile(f"There is no profile with the id {user_id}.")


def erase_profile(user_id: str, stores: ProfileStores) -> Receipt:
    """Remove a person: photos, crops, references, and the profile last. Idempotent."""
    hide_profile(user_id)
    ids = stored_references(user_id)
    removed = _counted(user_id, ids, stores)
    discard_references(ids, stores=stores)
    Profile.objects(user_id=user_id).delete()
    mark_profiles_changed()
    left = sorted({*ids, *stored_references(user_id)})
    return Receipt(user_id, removed=removed, left=_counted(user_id, left, stores))


class _Update:
    """One photo being added to a profile; written once, however often the switch is retried."""

    def __init__(
        self,
        user_id: str,
        photo: CheckedPhoto,
        mode: Mode,
        *,
        force: bool,
        stores: ProfileStores,
        by: str,
        fence: int,
    ) -> None:
        self._fence = fence
        self._user_id, self._photo, self._mode = user_id, photo, mode
        self._force, self._stores, self._by = force, stores, by
        self._written: ReferencePhoto | None = None

    def attempt(self, profile: Profile) -> Enrolled | None:
        """Put the photo in force; None if the profile changed meanwhile."""
        # After the profile was read: the switch fails if that one is erased from here on.
        check_tombstone(self._user_id, self._fence)
        there = list_references(profile, with_vectors=True)
        same = next((one for one in there if self._is_mine(one)), None)
        if same is not None and (self._mode == Mode.ADD or len(there) == 1):
            self.withdraw()
            return Enrolled(profile, same)
        self._check(profile, there)
        reference = same or self._reference()
        after = [reference] if self._mode == Mode.REPLACE else [*there, reference]
        switched = switch_photos(profile, after)
        if switched is None:
            return None
        if self._mode == Mode.REPLACE:
            gone = [one.id for one in there if one.id != reference.id]
            discard_references(gone, stores=self._stores)
        return Enrolled(switched, reference)

    def withdraw(self) -> None:
        """Remove what was written for a photo that will not become active."""
        if self._written is not None:
            discard_references([self._written.id], stores=self._stores)
            self._written = None

    def _is_mine(self, reference: ReferencePhoto) -> bool:
        same = (self._photo.digest, self._photo.embedder)
        return (reference.digest, reference.embedder) == same

    def _check(self, profile: Profile, there: Sequence[ReferencePhoto]) -> None:
        if self._mode == Mode.ADD and len(there) >= MAX_PHOTOS:
            raise TooManyPhotos(
                f"{self._user_id} has {MAX_PHOTOS} reference photos, which is the most; "
                "remove one first."
            )
        if profile.embedder != self._photo.embedder:
            reject_model_mix(
                profile, self._photo, replaces=self._mode == Mode.REPLACE and self._force
            )
        elif not self._force:
            verify_same_person(profile, self._photo)

    def _reference(self) -> ReferencePhoto:
        if self._written is None:
            self._written = write_reference(
                self._user_id,
                self._photo,
                stores=self._stores,
                by=self._by,
                fence=self._fence,
            )
        return self._written


def _attempted(user_id: str, attempt: Callable[[Profile], Any]) -> Any:
    """Return the result of an attempt; retry with a fresh profile if another change came first."""
    for _ in range(ATTEMPTS):
        done = attempt(get_profile(user_id))
        if done is not None:
            return done
    raise ProfileBusy(f"{user_id} is being changed by others; try again.")


def _profile_of(reference: ReferencePhoto, *, name: str) -> Profile:
    """Return a new person's profile with their first photo."""
    user_id = reference.user_id
    return Profile(
        user_id=user_id,
        sort_key=user_id,
        name=name,
        search=search_key(name, user_id),
        search_id=search_key(user_id, user_id),
        origin=reference.id,
        created_at=reference.created_at,
        updated_at=reference.created_at,
        created_by=reference.added_by,
        fence=reference.fence,
        **summarise_photos([reference]),
    )


def _check_vacancy(user_id: str) -> None:
    """Raise ProfileErasing or ProfileExists if the id is taken."""
    there = find_profile(user_id)
    if there is None:
        return
    if there.state == ProfileState.ERASING:
        raise ProfileErasing(f"{user_id} is being erased; finish that first.")
    raise ProfileExists(f"{user_id} has a profile already; update it with PUT.")


def _counted(user_id: str, ids: Sequence[str], stores: ProfileStores) -> Counts:
    """Count a person's objects under these ids."""
    return Counts(
        photos=len(ids) - len(stores.photos.missing(ids)),
        crops=len(ids) - len(stores.crops.missing(ids)),
        references=len(stored_references(user_id)),
        templates=int(find_profile(user_id) is not None),
    )

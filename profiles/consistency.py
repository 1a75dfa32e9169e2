"""Compare profiles, reference photos and files; remove what a crash left behind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from profiles.documents import Profile, ProfileState, ReferencePhoto
from profiles.reference_photos import ProfileStores, discard_references, switch_photos
from profiles.selectors import find_profile, iter_profiles, iter_references, list_references
from vision import is_crop_intact

GRACE = timedelta(minutes=15)  # a younger photo may be part of an update that has not finished


@dataclass
class ProfilesReport:
    """Result of a comparison; the lists hold ids of people or of photos."""

    profiles: int = 0
    references: int = 0
    leftovers: list[str] = field(default_factory=list)
    erasing: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    missing_photos: list[str] = field(default_factory=list)
    missing_crops: list[str] = field(default_factory=list)
    damaged_photos: list[str] = field(default_factory=list)
    damaged_crops: list[str] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        """Say whether every profile has its photos, each with whole files, and nothing is over."""
        return not (
            self.leftovers
            or self.erasing
            or self.incomplete
            or self.missing_photos
            or self.missing_crops
            or self.damaged_photos
            or self.damaged_crops
        )


@dataclass(frozen=True)
class ProfilesRepair:
    """Counts of what a repair changed."""

    leftovers_removed: int
    profiles_recomputed: int


def check_profiles(stores: ProfileStores, *, now: datetime) -> ProfilesReport:
    """Compare all profiles with their photos and files; skip photos younger than ``GRACE``."""
    report, named = ProfilesReport(), dict[str, str]()
    for profile in iter_profiles():
        report.profiles += 1
        if profile.state == ProfileState.ERASING:
            report.erasing.append(profile.user_id)
        named |= dict.fromkeys(profile.references, profile.user_id)
    there: dict[str, str] = {}
    for reference in iter_references():
        report.references += 1
        if reference.id in named:
            there[reference.id] = reference.digest
        elif reference.created_at < now - GRACE and not _is_named(reference):
            report.leftovers.append(reference.id)
    lost = sorted(named.keys() - there.keys())
    report.incomplete = sorted({named[one] for one in lost if _is_named_by(named[one], one)})
    report.missing_photos = stores.photos.missing(there)
    report.missing_crops = stores.crops.missing(there)
    report.damaged_photos = stores.photos.damaged(
        there, lambda one, data: hashlib.sha256(data).hexdigest() == there[one]
    )
    report.damaged_crops = stores.crops.damaged(there, lambda _, data: is_crop_intact(data))
    return report


def repair_profiles(report: ProfilesReport, stores: ProfileStores) -> ProfilesRepair:
    """Remove photos without a profile, and restrict profiles to the photos that exist.

    An interrupted erasure has to be repeated as a whole: it removes more than the profile.
    A lost or damaged file cannot be made again here; a new photo of the person replaces it.
    """
    discard_references(report.leftovers, stores=stores)
    profiles = [find_profile(user_id) for user_id in report.incomplete]
    done = [_recomputed(profile) for profile in profiles if profile is not None]
    return ProfilesRepair(len(report.leftovers), sum(done))


def _is_named(reference: ReferencePhoto) -> bool:
    """Read the profile again: the photo may have been added during the comparison."""
    return _is_named_by(reference.user_id, reference.id)


def _is_named_by(user_id: str, reference_id: str) -> bool:
    profile: Profile | None = find_profile(user_id)
    return profile is not None and reference_id in profile.references


def _recomputed(profile: Profile) -> bool:
    """Restrict a profile to the photos that exist; False if it changed meanwhile or has none."""
    references = list_references(profile, with_vectors=True)
    return bool(references) and switch_photos(profile, references) is not None

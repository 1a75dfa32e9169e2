"""Response types of profiles. None contains a vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from django.urls import reverse

from profiles.consistency import ProfilesRepair, ProfilesReport
from profiles.documents import Profile, ReferencePhoto
from web.rest import format_time

IDS_SHOWN = 1000


class EnrolledPhoto(TypedDict):
    """A photo that is now a reference photo of a person."""

    user_id: str
    has_face: bool
    message: str
    face_quality: float
    confidence: float
    reason: str | None
    face_id: str
    bbox: list[float]
    model: str
    checks: list[str]
    reference_photos: int
    version: int


class QualityMetrics(TypedDict):
    """Quality of the best face of a refused photo, and the thresholds."""

    face_size: list[int] | None
    confidence: float | None
    blur_score: float | None
    min_size_required: float
    min_confidence_required: float
    blur_threshold: float


class FaceSeen(TypedDict):
    """A face in a refused photo; `reason` says why it is not usable."""

    bbox: list[float]
    confidence: float
    reason: str | None


class PhotoSeen(TypedDict):
    """Everything detected in a refused photo."""

    quality_metrics: QualityMetrics
    detailed_checks: list[str]
    faces: list[FaceSeen]


class RefusedPhoto(TypedDict):
    """Why a photo cannot be used: `no_face`, `several_faces` or `poor_face`, and the detections."""

    detail: str
    code: str
    user_id: NotRequired[str]
    has_face: NotRequired[bool]
    message: NotRequired[str]
    reason: NotRequired[str]
    debug_info: NotRequired[PhotoSeen]
    errors: NotRequired[dict[str, list[str]]]


class DebugProfileRow(TypedDict):
    """A profile, for admins."""

    user_id: str
    name: str
    embedding_size: int
    model: str
    reference_photos: int
    confidence: float
    quality_score: float
    created_at: str
    updated_at: str
    has_bbox: bool


class DebugProfileRows(TypedDict):
    """A page of all profiles by id."""

    total_profiles: int
    profiles: list[DebugProfileRow]
    next: str | None


class ProfileRow(TypedDict):
    """A known person; `crop_url` is the face of the first photo."""

    user_id: str
    name: str
    reference_photos: int
    quality_score: float
    model: str
    version: int
    created_at: str
    updated_at: str
    crop_url: str


class ProfileRows(TypedDict):
    """A page of people."""

    profiles: list[ProfileRow]
    next: str | None


class ReferenceRow(TypedDict):
    """A reference photo of a person; `bbox` is in pixels of the upright photo."""

    face_id: str
    bbox: list[float]
    width: int
    height: int
    confidence: float
    quality_score: float
    size: float
    blur: float
    pose: float
    model: str
    created_at: str
    added_by: str
    crop_url: str


class ProfileDetail(DebugProfileRow):
    """A person with all reference photos, in the order in which they were added."""

    embedder: str
    version: int
    created_by: str
    photos: list[ReferenceRow]


class ProfilesRepairDone(TypedDict):
    """Counts of what a repair changed."""

    leftovers_removed: int
    profiles_recomputed: int


class ProfilesStorage(TypedDict):
    """Whether profiles, photos and files are consistent; lists hold at most 1000 ids."""

    consistent: bool
    profiles: int
    reference_photos: int
    leftovers: list[str]
    erasing: list[str]
    incomplete_profiles: list[str]
    missing_photos: list[str]
    missing_crops: list[str]
    damaged_photos: list[str]
    damaged_crops: list[str]
    repair: NotRequired[ProfilesRepairDone]


def enrolled_json(
    profile: Profile, reference: ReferencePhoto, *, message: str, checks: Sequence[str]
) -> EnrolledPhoto:
    """Return the answer to an accepted photo."""
    return {
        "user_id": profile.user_id,
        "has_face": True,
        "message": message,
        "face_quality": reference.quality_score,
        "confidence": reference.confidence,
        "reason": None,
        "face_id": reference.id,
        "bbox": list(reference.bbox),
        "model": reference.model,
        "checks": list(checks),
        "reference_photos": len(profile.references),
        "version": profile.version,
    }


def debug_profile_json(profile: Profile) -> DebugProfileRow:
    """Return a profile for admins."""
    return {
        "user_id": profile.user_id,
        "name": profile.name,
        "embedding_size": profile.dimension,
        "model": profile.model,
        "reference_photos": len(profile.references),
        "confidence": profile.confidence,
        "quality_score": profile.quality_score,
        "created_at": format_time(profile.created_at),
        "updated_at": format_time(profile.updated_at),
        "has_bbox": True,
    }


def profile_json(profile: Profile) -> ProfileRow:
    """Return a person as a row of a list."""
    return {
        "user_id": profile.user_id,
        "name": profile.name,
        "reference_photos": len(profile.references),
        "quality_score": profile.quality_score,
        "model": profile.model,
        "version": profile.version,
        "created_at": format_time(profile.created_at),
        "updated_at": format_time(profile.updated_at),
        "crop_url": crop_url(profile.user_id, profile.references[0]),
    }


def profile_detail_json(profile: Profile, references: Sequence[ReferencePhoto]) -> ProfileDetail:
    """Return a person with their reference photos."""
    return {
        **debug_profile_json(profile),
        "embedder": profile.embedder,
        "version": profile.version,
        "created_by": profile.created_by,
        "photos": [reference_json(one) for one in references],
    }


def reference_json(reference: ReferencePhoto) -> ReferenceRow:
    """Return a reference photo."""
    return {
        "face_id": reference.id,
        "bbox": list(reference.bbox),
        "width": reference.width,
        "height": reference.height,
        "confidence": reference.confidence,
        "quality_score": reference.quality_score,
        "size": reference.size,
        "blur": reference.blur,
        "pose": reference.pose,
        "model": reference.model,
        "created_at": format_time(reference.created_at),
        "added_by": reference.added_by,
        "crop_url": crop_url(reference.user_id, reference.id),
    }


def crop_url(user_id: str, reference_id: str) -> str:
    """Return the URL of the face of a reference photo."""
    return reverse("profile_crop_api", kwargs={"user_id": user_id, "face_id": reference_id})


def profiles_storage_json(
    report: ProfilesReport, repair: ProfilesRepair | None = None
) -> ProfilesStorage:
    """Return the result of a comparison, and of a repair if there was one."""
    body: ProfilesStorage = {
        "consistent": report.is_consistent,
        "profiles": report.profiles,
        "reference_photos": report.references,
        "leftovers": report.leftovers[:IDS_SHOWN],
        "erasing": report.erasing[:IDS_SHOWN],
        "incomplete_profiles": report.incomplete[:IDS_SHOWN],
        "missing_photos": report.missing_photos[:IDS_SHOWN],
        "missing_crops": report.missing_crops[:IDS_SHOWN],
        "damaged_photos": report.damaged_photos[:IDS_SHOWN],
        "damaged_crops": report.damaged_crops[:IDS_SHOWN],
    }
    if repair is not None:
        body["repair"] = {
            "leftovers_removed": repair.leftovers_removed,
            "profiles_recomputed": repair.profiles_recomputed,
        }
    return body

"""Use cases shared by REST and pages: check photos, enrol with them, find people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from profiles import selectors, services
from profiles.context import profile_stores
from profiles.documents import Profile
from profiles.errors import LooksLikeAnother, NotTheSamePerson, PhotoRefused
from profiles.photo_check import CheckedPhoto, check_photo
from profiles.services import Mode
from vision import (
    EmptyFile,
    ImageTooLarge,
    NotAnImage,
    QualityThresholds,
    UnreadableImage,
    get_engine,
)
from web.pagination import decode_cursor
from web.rest import read_upload


@dataclass(frozen=True, eq=False)
class SeenPhoto:
    """A checked photo, or a rejected one with the checks that passed and failed."""

    name: str
    judged: CheckedPhoto | None
    refusal: str
    checks: list[str]


def check_one_photo(
    file: UploadedFile, *, user_id: str, thresholds: QualityThresholds
) -> CheckedPhoto:
    """Return the checked photo of a form; a rejection includes the person's id."""
    data = read_upload(file)
    engine = get_engine(settings.VISION)
    try:
        return check_photo(data, engine=engine, thresholds=thresholds)
    except PhotoRefused as refused:
        raise refused.of(user_id) from None


def detect_in_photos(files: Sequence[UploadedFile], *, user_id: str) -> list[SeenPhoto]:
    """Check all photos of a form, so that one answer reports on all of them."""
    return [_seen(file, user_id=user_id) for file in files]


def check_photos(seen: Sequence[SeenPhoto]) -> list[CheckedPhoto] | None:
    """Return the checked photos if all are usable, None otherwise."""
    judged = [one.judged for one in seen if one.judged is not None]
    return judged if judged and len(judged) == len(seen) else None


def enrol_photos(
    user_id: str, photos: Sequence[CheckedPhoto], *, name: str, force: bool, by: str, fence: int
) -> list[str]:
    """Create a profile from the first photo and add the others; return why any were left out."""
    stores = profile_stores()
    services.enrol_profile(
        user_id, photos[0], name=name, force=force, stores=stores, by=by, fence=fence
    )
    left_out: list[str] = []
    for photo in photos[1:]:
        try:
            add_photos(user_id, [photo], mode=Mode.ADD, force=force, by=by, fence=fence)
        except (NotTheSamePerson, LooksLikeAnother) as refused:
            left_out.append(str(refused))
    return left_out


def add_photos(
    user_id: str, photos: Sequence[CheckedPhoto], *, mode: Mode, force: bool, by: str, fence: int
) -> Profile:
    """Add photos to a profile, or replace all of its photos; idempotent."""
    stores = profile_stores()
    for photo in photos:
        services.update_profile(
            user_id, photo, mode=mode, force=force, stores=stores, by=by, fence=fence
        )
        mode = Mode.ADD
    return selectors.get_profile(user_id)


def find_people(text: str, *, cursor: str | None, limit: int) -> selectors.FoundProfile:
    """Return a page of all people, or of those whose name or id begins with a text."""
    after = decode_cursor(cursor, within="search" if text else "place:")
    if text:
        return selectors.search_profiles(text, after=after, limit=limit)
    return selectors.list_profiles(after=after, limit=limit)


def _seen(file: UploadedFile, *, user_id: str) -> SeenPhoto:
    name = str(file.name)
    try:
        judged = check_one_photo(file, user_id=user_id, thresholds=settings.VISION.thresholds)
    except PhotoRefused as refused:
        return SeenPhoto(name, None, str(refused), refused.checks)
    except (EmptyFile, UnreadableImage, NotAnImage, ImageTooLarge) as refused:
        return SeenPhoto(name, None, str(refused), [])
    return SeenPhoto(name, judged, "", judged.checks)

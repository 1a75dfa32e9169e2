"""What the REST resources and the pages both ask for: judge photos, enrol by them, find people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from profiles import selectors, services
from profiles.documents import Profile
from profiles.errors import LooksLikeAnother, NotTheSamePerson, PhotoRefused
from profiles.judgement import JudgedPhoto, photo_judge
from profiles.opening import profile_stores
from profiles.services import Mode
from vision import (
    EmptyFile,
    ImageTooLarge,
    NotAnImage,
    QualityThresholds,
    UnreadableImage,
    get_engine,
)
from web.paging import cursor_decode


@dataclass(frozen=True, eq=False)
class SeenPhoto:
    """A photo after a look at it: judged, or refused with the checks it passed and failed."""

    name: str
    judged: JudgedPhoto | None
    refusal: str
    checks: list[str]


def photo_judged(file: UploadedFile, *, user_id: str, thresholds: QualityThresholds) -> JudgedPhoto:
    """Return the judged photo of a form; a refusal of it names the person."""
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        raise ImageTooLarge(
            f"The file has {file.size:,} bytes; {settings.UPLOAD_MAX_BYTES:,} are allowed.",
            code="too_many_bytes",
        )
    engine = get_engine(settings.VISION)
    try:
        return photo_judge(file.read(), engine=engine, thresholds=thresholds)
    except PhotoRefused as refused:
        raise refused.of(user_id) from None


def photos_seen(files: Sequence[UploadedFile], *, user_id: str) -> list[SeenPhoto]:
    """Look at all photos of a form, so that whoever sent them reads about all at once."""
    return [_seen(file, user_id=user_id) for file in files]


def photos_judged(seen: Sequence[SeenPhoto]) -> list[JudgedPhoto] | None:
    """Return the photos if each can be used, None if one cannot."""
    judged = [one.judged for one in seen if one.judged is not None]
    return judged if judged and len(judged) == len(seen) else None


def photos_enrol(
    user_id: str, photos: Sequence[JudgedPhoto], *, name: str, force: bool, by: str, fence: int
) -> list[str]:
    """Make a profile from the first photo and let the others join; return why some did not."""
    stores = profile_stores()
    services.profile_enrol(
        user_id, photos[0], name=name, force=force, stores=stores, by=by, fence=fence
    )
    left_out: list[str] = []
    for photo in photos[1:]:
        try:
            photos_add(user_id, [photo], mode=Mode.ADD, force=force, by=by, fence=fence)
        except (NotTheSamePerson, LooksLikeAnother) as refused:
            left_out.append(str(refused))
    return left_out


def photos_add(
    user_id: str, photos: Sequence[JudgedPhoto], *, mode: Mode, force: bool, by: str, fence: int
) -> Profile:
    """Let photos join a profile, or take the place of all of its photos; safe to repeat."""
    stores = profile_stores()
    for photo in photos:
        services.profile_update(
            user_id, photo, mode=mode, force=force, stores=stores, by=by, fence=fence
        )
        mode = Mode.ADD
    return selectors.profile_get(user_id)


def people_found(text: str, *, cursor: str | None, limit: int) -> selectors.Found:
    """Return a page of all people, or of those whose name or id begins with a text."""
    after = cursor_decode(cursor, within="search" if text else "place:")
    if text:
        return selectors.profiles_search(text, after=after, limit=limit)
    return selectors.profiles_page(after=after, limit=limit)


def _seen(file: UploadedFile, *, user_id: str) -> SeenPhoto:
    """Return a photo with what was seen in it."""
    name = str(file.name)
    try:
        judged = photo_judged(file, user_id=user_id, thresholds=settings.VISION.thresholds)
    except PhotoRefused as refused:
        return SeenPhoto(name, None, str(refused), refused.checks)
    except (EmptyFile, UnreadableImage, NotAnImage, ImageTooLarge) as refused:
        return SeenPhoto(name, None, str(refused), [])
    return SeenPhoto(name, judged, "", judged.checks)

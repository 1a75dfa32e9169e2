"""Errors of profiles: the class is the outcome, the message is readable for a reviewer."""

from __future__ import annotations

from collections.abc import Mapping

from storage.errors import Conflict, Missing, Refused
from vision import VisionError


class NoSuchProfile(Missing):
    """There is no profile with this id."""

    code = "no_such_profile"


class NoSuchPhoto(Missing):
    """The profile has no reference photo of this id."""

    code = "no_such_photo"


class ProfileExists(Conflict):
    """There is a profile with this id already."""

    code = "profile_exists"


class ProfileErasing(Conflict):
    """The profile with this id is being erased."""

    code = "profile_erasing"


class PersonErased(Conflict):
    """The person was erased after this request, or the import it belongs to, was accepted."""

    code = "person_erased"


class ProfileBusy(Conflict):
    """The profile was changed concurrently on every attempt."""

    code = "profile_busy"


class LooksLikeAnother(Conflict):
    """The face matches another profile, which `user_id` names; `force=true` overrides."""

    code = "looks_like_another"


class NotTheSamePerson(Conflict):
    """The face is far from the profile's template; `force=true` overrides."""

    code = "not_the_same_person"


class LastPhoto(Conflict):
    """A profile keeps at least one reference photo."""

    code = "last_photo"


class TooManyPhotos(Refused):
    """The profile already has the maximum number of reference photos."""

    code = "too_many_photos"


class PhotoRefused(VisionError):
    """The photo has no usable face; `extra` holds what was detected."""

    code = "photo_refused"
    has_face = True

    def __init__(self, reason: str, *, seen: Mapping[str, object]) -> None:
        message = f"The photo cannot be used: {reason}"
        super().__init__(message)
        self.extra: dict[str, object] = {
            "has_face": self.has_face,
            "message": message,
            "reason": reason,
            "debug_info": dict(seen),
        }

    @property
    def checks(self) -> list[str]:
        """One line per quality check of the best face."""
        seen = self.extra["debug_info"]
        return list(seen["detailed_checks"]) if isinstance(seen, dict) else []

    def of(self, user_id: str) -> PhotoRefused:
        """Add the person's id to the answer and return the error."""
        self.extra = {"user_id": user_id, **self.extra}
        return self


class NoFace(PhotoRefused):
    """No face was found in the photo."""

    code = "no_face"
    has_face = False


class SeveralFaces(PhotoRefused):
    """Several faces are good enough, so the photo's person is ambiguous."""

    code = "several_faces"


class PoorFace(PhotoRefused):
    """The face is too small, too uncertain or too blurred."""

    code = "poor_face"

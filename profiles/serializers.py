"""Request serializers of profiles: parse and bound, nothing else."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.fields import empty

from profiles.documents import (
    MAX_NAME,
    NAME_RULE,
    USER_ID,
    USER_ID_RULE,
    is_name,
    is_user_id,
)
from vision import QualityThresholds
from web.rest import FiniteField

MODES = ("add", "replace")


class BadUserId(ParseError):
    """The user id is not 1 to 64 of the letters `A-Z a-z 0-9 _ . @ -`, or only dots."""

    default_code = "bad_user_id"


def check_user_id(text: str) -> str:
    """Return a valid user id unchanged; raise BadUserId for any other text."""
    if is_user_id(text):
        return text
    raise BadUserId(USER_ID_RULE)


class UserIdField(serializers.RegexField):
    """The id of a person; an invalid one answers 400 (malformed), not a field error."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(f"^{USER_ID.pattern}$", max_length=64, **kwargs)

    def run_validation(self, data: Any = empty) -> str:
        """Return the id unchanged; a missing id is an ordinary field error."""
        if data is empty:
            return str(super().run_validation(data))
        return check_user_id(data if isinstance(data, str) else "")


class NameField(serializers.CharField):
    """A person's name on one line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_NAME, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name; reject line breaks and control characters."""
        name = str(super().to_internal_value(data))
        if not is_name(name):
            raise serializers.ValidationError(NAME_RULE)
        return name


@extend_schema_field(OpenApiTypes.BINARY)  # the generator would document a form's file as a URL
class PhotoField(serializers.FileField):
    """The bytes of a photo; the reader of the bytes rejects an empty file."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_empty_file=True, **kwargs)


class PhotoForm(serializers.Serializer):
    """A photo of a person and its quality thresholds; the defaults are the current settings."""

    file = PhotoField(help_text="The photo.")
    min_face_size = serializers.IntegerField(
        min_value=10, max_value=2000, required=False, help_text="Pixels of the shorter side."
    )
    min_confidence = FiniteField(
        min_value=0, max_value=1, required=False, help_text="The detector's confidence."
    )
    blur_threshold = FiniteField(
        min_value=0, max_value=10000, required=False, help_text="Less is blurred."
    )
    force = serializers.BooleanField(
        default=False, help_text="Enrol the face even if it looks like another person."
    )

    def thresholds(self) -> QualityThresholds:
        """Return the quality thresholds: the values of the form, the settings for the others."""
        default, given = settings.VISION.thresholds, self.validated_data
        return QualityThresholds(
            min_face_size=given.get("min_face_size", default.min_face_size),
            min_confidence=given.get("min_confidence", default.min_confidence),
            blur_threshold=given.get("blur_threshold", default.blur_threshold),
        )


class EnrolForm(PhotoForm):
    """The first photo of a person."""

    user_id = UserIdField(help_text="`[A-Za-z0-9_.@-]{1,64}`; letters keep their case.")
    name = NameField(
        required=False, default="", allow_blank=True, help_text="The person's name; may be empty."
    )


class UpdateForm(PhotoForm):
    """Another photo of a person."""

    mode = serializers.ChoiceField(
        choices=MODES, default="add", help_text="Join the reference photos, or replace them."
    )


class DebugProfilesQuery(serializers.Serializer):
    """A page of all profiles."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=10, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=500,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )


class ProfilesQuery(serializers.Serializer):
    """A page of people: all, or those whose name or id begins with `q`."""

    q = serializers.CharField(
        max_length=MAX_NAME,
        required=False,
        default="",
        allow_blank=True,
        help_text="A prefix of the name or id, in any case.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=1000,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )


class ProfileChange(serializers.Serializer):
    """The fields of a profile that can change without a photo."""

    name = NameField(allow_blank=True, help_text="The person's name; may be empty.")

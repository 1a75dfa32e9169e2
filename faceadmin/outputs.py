"""Answers about keys, models and thresholds."""

from __future__ import annotations

from rest_framework.serializers import (
    BooleanField,
    CharField,
    DictField,
    FloatField,
    IntegerField,
)

from web.output import NEXT, Output, TimeField

MIN_FACE_SIZE = "Least shorter side of a face in pixels."
MIN_CONFIDENCE = "Least confidence of the detector, 0 to 1."
BLUR_THRESHOLD = "Least variance of the Laplacian on a crop of fixed size."


class ThresholdsOutput(Output):
    """The least values of a usable face."""

    min_face_size = FloatField(help_text=MIN_FACE_SIZE)
    min_confidence = FloatField(help_text=MIN_CONFIDENCE)
    blur_threshold = FloatField(help_text=BLUR_THRESHOLD)


class InForceNumbersOutput(Output):
    """The current models, thresholds and distances; similarities are cosines."""

    min_face_size = FloatField(source="thresholds.min_face_size", help_text=MIN_FACE_SIZE)
    min_confidence = FloatField(source="thresholds.min_confidence", help_text=MIN_CONFIDENCE)
    blur_threshold = FloatField(source="thresholds.blur_threshold", help_text=BLUR_THRESHOLD)
    detector = CharField(help_text="The detector.")
    embedder = CharField(help_text="The embedder.")
    models_why = CharField(help_text="Why these models were chosen.")
    same_person_threshold = FloatField(
        source="entry.same_person_threshold", help_text="Least similarity of one person's photos."
    )
    cluster_eps = FloatField(
        source="entry.cluster_eps", help_text="Largest cosine distance of neighbours in a cluster."
    )
    assignment_threshold = FloatField(
        source="entry.assignment_threshold", help_text="Least similarity of cluster and person."
    )


class QualitySettingsOutput(Output):
    """Default thresholds, their meaning, suggestions, and the current values."""

    default_min_face_size = IntegerField(help_text=MIN_FACE_SIZE)
    default_min_confidence = FloatField(help_text=MIN_CONFIDENCE)
    default_blur_threshold = FloatField(help_text=BLUR_THRESHOLD)
    description = DictField(child=CharField(), help_text="Meaning of each threshold.")
    suggestions = DictField(child=ThresholdsOutput(), help_text="Sets of thresholds by name.")
    in_force = InForceNumbersOutput(help_text="The current values.")


class ModelFileOutput(Output):
    """A model of the catalogue: its task, its licence, and whether its file is installed."""

    id = CharField(help_text="The id of the model.")
    job = CharField(help_text="`detect` or `embed`.")
    licence = CharField(help_text="The licence of the weights.")
    sha256 = CharField(help_text="The checksum of the file.")
    path = CharField(allow_null=True, help_text="The installed file; null without one.")
    is_sound = BooleanField(help_text="Whether the file has its checksum.")
    is_in_force = BooleanField(source="is_active", help_text="Whether the model is in use.")
    trouble = CharField(help_text="Why the model cannot be used, or empty.")


class ModelFilesOutput(Output):
    """Every known model."""

    models = ModelFileOutput(many=True, help_text="The models.")


class KeyRowOutput(Output):
    """A key without its secret; `key`, the secret, is only in the answer that creates it."""

    prefix = CharField(help_text="The first letters of the key.")
    name = CharField(help_text="The purpose of the key.")
    role = CharField(help_text="`viewer`, `reviewer` or `admin`.")
    created_at = TimeField(source="created", help_text="When it was created.")
    expires_at = TimeField(
        source="expiry_date", allow_null=True, help_text="When it expires; null for never."
    )
    last_used = TimeField(allow_null=True, help_text="When it was used last; null for never.")
    is_revoked = BooleanField(source="revoked", help_text="Whether it was revoked.")
    is_expired = BooleanField(source="has_expired", help_text="Whether it has expired.")
    key = CharField(
        required=False, allow_null=True, help_text="The secret; shown once, not stored."
    )


class KeyRowsOutput(Output):
    """Keys by prefix."""

    keys = KeyRowOutput(many=True, help_text="The keys of this page.")
    next = CharField(allow_null=True, help_text=NEXT)

"""The current quality thresholds and models."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from faceadmin.active_models import ActiveThresholds, active_thresholds
from faceadmin.api import examples
from faceadmin.outputs import InForceNumbersOutput, ModelFilesOutput, QualitySettingsOutput
from vision import ModelMissing, report_models
from web.output import Answer
from web.rest import Api
from web.roles import Role
from web.schema import operation

DEFAULTS = {"min_face_size": 30, "min_confidence": 0.4, "blur_threshold": 50.0}
DESCRIPTION = {
    "min_face_size": "Pixels of the face's shorter side; smaller faces are refused.",
    "min_confidence": "The detector's confidence, 0 to 1; less certain faces are refused.",
    "blur_threshold": (
        "Variance of the Laplacian on a crop of fixed size; less means blurred, and is refused."
    ),
}
SUGGESTIONS = {
    "very_lenient": (20, 0.3, 30),
    "lenient": (30, 0.4, 50),
    "normal": (40, 0.5, 80),
    "strict": (60, 0.7, 120),
}


class DebugQualitySettingsApi(Api):
    """The quality thresholds: defaults, their meaning, and the current values."""

    roles: ClassVar = {"GET": Role.ADMIN}

    @operation(
        "Read the quality thresholds",
        answers={200: QualitySettingsOutput},
        refuses=(ModelMissing,),
        example=lambda: _settings(examples.THRESHOLDS),
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return defaults, suggestions and the current values."""
        return Response(_settings(active_thresholds()))


class ThresholdsApi(Api):
    """The current models and thresholds, without explanations."""

    @operation(
        "Read the current thresholds",
        answers={200: InForceNumbersOutput},
        refuses=(ModelMissing,),
        example=lambda: InForceNumbersOutput.render(examples.THRESHOLDS),
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return models and thresholds; every similarity is a cosine."""
        return Response(InForceNumbersOutput.render(active_thresholds()))


class ModelsApi(Api):
    """The models known to this installation."""

    roles: ClassVar = {"GET": Role.ADMIN}

    @operation(
        "List the models",
        answers={200: ModelFilesOutput},
        example=lambda: ModelFilesOutput.render(models=[examples.MODEL]),
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return task, licence, checksum and path of each model."""
        return Response(ModelFilesOutput.render(models=report_models(settings.VISION)))


def _settings(active: ActiveThresholds) -> Answer:
    return QualitySettingsOutput.render(
        **{f"default_{name}": value for name, value in DEFAULTS.items()},
        description=DESCRIPTION,
        suggestions={
            name: dict(zip(DEFAULTS, values, strict=True)) for name, values in SUGGESTIONS.items()
        },
        in_force=active,
    )

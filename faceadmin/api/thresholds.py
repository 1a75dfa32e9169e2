"""The current quality thresholds and models."""

from __future__ import annotations

from typing import ClassVar, TypedDict

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from faceadmin.active_models import InForceNumbers, active_thresholds
from vision import ModelMissing, ModelRow, report_models
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
EXAMPLE_IN_FORCE = {
    "min_face_size": 30,
    "min_confidence": 0.4,
    "blur_threshold": 50,
    "detector": "yolov8n-face",
    "embedder": "facenet512",
    "models_why": "YOLOv8 with FaceNet, whose files are installed.",
    "same_person_threshold": 0.65,
    "cluster_eps": 0.35,
    "assignment_threshold": 0.65,
}


class Thresholds(TypedDict):
    """The least values of a usable face."""

    min_face_size: float
    min_confidence: float
    blur_threshold: float


class QualitySettings(TypedDict):
    """Default thresholds, their meaning, suggestions, and the current values."""

    default_min_face_size: int
    default_min_confidence: float
    default_blur_threshold: float
    description: dict[str, str]
    suggestions: dict[str, Thresholds]
    in_force: InForceNumbers


class ModelFile(TypedDict):
    """A model of the catalogue: its task, its licence, and whether its file is installed."""

    id: str
    job: str
    licence: str
    sha256: str
    path: str | None
    is_sound: bool
    is_in_force: bool
    trouble: str


class ModelFiles(TypedDict):
    """Every known model."""

    models: list[ModelFile]


class DebugQualitySettingsApi(Api):
    """The quality thresholds: defaults, their meaning, and the current values."""

    roles: ClassVar = {"GET": Role.ADMIN}

    @operation(
        "Read the quality thresholds",
        answers={200: QualitySettings},
        refuses=(ModelMissing,),
        example={
            **{f"default_{name}": value for name, value in DEFAULTS.items()},
            "description": DESCRIPTION,
            "suggestions": {"lenient": dict(zip(DEFAULTS, SUGGESTIONS["lenient"], strict=True))},
            "in_force": EXAMPLE_IN_FORCE,
        },
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return defaults, suggestions and the current values."""
        body: QualitySettings = {
            "default_min_face_size": 30,
            "default_min_confidence": DEFAULTS["min_confidence"],
            "default_blur_threshold": DEFAULTS["blur_threshold"],
            "description": DESCRIPTION,
            "suggestions": {
                name: {"min_face_size": size, "min_confidence": sure, "blur_threshold": blur}
                for name, (size, sure, blur) in SUGGESTIONS.items()
            },
            "in_force": active_thresholds(),
        }
        return Response(body)


class ThresholdsApi(Api):
    """The current models and thresholds, without explanations."""

    @operation(
        "Read the current thresholds",
        answers={200: InForceNumbers},
        refuses=(ModelMissing,),
        example=EXAMPLE_IN_FORCE,
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return models and thresholds; every similarity is a cosine."""
        return Response(active_thresholds())


class ModelsApi(Api):
    """The models known to this installation."""

    roles: ClassVar = {"GET": Role.ADMIN}

    @operation(
        "List the models",
        answers={200: ModelFiles},
        example={
            "models": [
                {
                    "id": "centerface",
                    "job": "detect",
                    "licence": "MIT",
                    "sha256": "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
                    "path": "/srv/models/centerface.onnx",
                    "is_sound": True,
                    "is_in_force": True,
                    "trouble": "",
                }
            ]
        },
        tag="admin",
    )
    def get(self, request: Request) -> Response:
        """Return task, licence, checksum and path of each model."""
        rows = [model_json(row) for row in report_models(settings.VISION)]
        return Response(ModelFiles(models=rows))


def model_json(row: ModelRow) -> ModelFile:
    """Return a model for clients."""
    return {
        "id": row.id,
        "job": row.job.value,
        "licence": row.licence,
        "sha256": row.sha256,
        "path": None if row.path is None else str(row.path),
        "is_sound": row.is_sound,
        "is_in_force": row.is_active,
        "trouble": row.trouble,
    }

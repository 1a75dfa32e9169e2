"""The project's own resources: the thresholds in force."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from faceadmin.in_force import quality_in_force
from web.api import Api
from web.roles import Role

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
    """The quality thresholds: defaults, what they mean, and what is in force."""

    roles: ClassVar = {"GET": Role.ADMIN}

    def get(self, request: Request) -> Response:
        """Answer with defaults, suggestions and the numbers in force."""
        return Response(
            {
                **{f"default_{name}": value for name, value in DEFAULTS.items()},
                "description": DESCRIPTION,
                "suggestions": {
                    name: dict(zip(DEFAULTS, values, strict=True))
                    for name, values in SUGGESTIONS.items()
                },
                "in_force": quality_in_force(),
            }
        )

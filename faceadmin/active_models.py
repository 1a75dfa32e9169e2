"""The current models and thresholds, for the footer, health checks and admins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from django.conf import settings

from vision import ModelMissing, ModelPair, ModelRefused, active_pair, get_engine


@dataclass(frozen=True)
class ActiveModels:
    """The current pair of models, or ``trouble``: why there is none."""

    pair: ModelPair | None
    trouble: str = ""

    @property
    def name(self) -> str:
        """The pair for display."""
        return f"{self.pair.detector} + {self.pair.embedder}" if self.pair else "no models"

    @property
    def why(self) -> str:
        """Why this pair was selected, or why there is none."""
        return self.pair.why if self.pair else self.trouble


def active_models() -> ActiveModels:
    """Return the current pair of models; missing models are reported, not raised."""
    try:
        return ActiveModels(active_pair(settings.VISION))
    except (ModelMissing, ModelRefused) as trouble:
        return ActiveModels(None, str(trouble))


class InForceNumbers(TypedDict):
    """The current models, thresholds and distances; similarities are cosines."""

    min_face_size: float
    min_confidence: float
    blur_threshold: float
    detector: str
    embedder: str
    models_why: str
    same_person_threshold: float
    cluster_eps: float
    assignment_threshold: float


def active_thresholds() -> InForceNumbers:
    """Return the current models and thresholds; raise ModelMissing without models."""
    engine, found = get_engine(settings.VISION), active_models()
    thresholds = settings.VISION.thresholds
    return {
        "min_face_size": thresholds.min_face_size,
        "min_confidence": thresholds.min_confidence,
        "blur_threshold": thresholds.blur_threshold,
        "detector": engine.detector_id,
        "embedder": engine.embedder_id,
        "models_why": found.why,
        "same_person_threshold": engine.entry.same_person_threshold,
        "cluster_eps": engine.entry.cluster_eps,
        "assignment_threshold": engine.entry.assignment_threshold,
    }

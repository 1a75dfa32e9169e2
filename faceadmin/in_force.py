"""The models in force as words, for the footer, for health and for admins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from django.conf import settings

from vision import ModelMissing, ModelRefused, Pair, get_engine, pair_in_force


@dataclass(frozen=True)
class InForce:
    """The pair of models, why it is this one, or what keeps it from working."""

    pair: Pair | None
    trouble: str = ""

    @property
    def name(self) -> str:
        """Return the pair as people read it."""
        return f"{self.pair.detector} + {self.pair.embedder}" if self.pair else "no models"

    @property
    def why(self) -> str:
        """Return why this pair is in force, or why none is."""
        return self.pair.why if self.pair else self.trouble


def models_in_force() -> InForce:
    """Return the pair in force; models that are missing are told, not raised."""
    try:
        return InForce(pair_in_force(settings.VISION))
    except (ModelMissing, ModelRefused) as trouble:
        return InForce(None, str(trouble))


class InForceNumbers(TypedDict):
    """The models in force and the numbers that decide; similarities are cosines."""

    min_face_size: float
    min_confidence: float
    blur_threshold: float
    detector: str
    embedder: str
    models_why: str
    same_person_threshold: float
    cluster_eps: float
    assignment_threshold: float


def quality_in_force() -> InForceNumbers:
    """Return the numbers that decide, as clients get them."""
    engine, found = get_engine(settings.VISION), models_in_force()
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

"""The current models and thresholds, for the footer, health checks and admins."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from vision import (
    ModelEntry,
    ModelMissing,
    ModelPair,
    ModelRefused,
    QualityThresholds,
    active_pair,
    get_engine,
)


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


@dataclass(frozen=True)
class ActiveThresholds:
    """The current models, quality thresholds, and distances of the embedder."""

    thresholds: QualityThresholds
    entry: ModelEntry
    detector: str
    embedder: str
    models_why: str


def active_thresholds() -> ActiveThresholds:
    """Return the current models and thresholds; raise ModelMissing without models."""
    engine = get_engine(settings.VISION)
    return ActiveThresholds(
        settings.VISION.thresholds,
        engine.entry,
        engine.detector_id,
        engine.embedder_id,
        active_models().why,
    )

"""Face detectors: one module per family, with a common protocol."""

from __future__ import annotations

from vision.detectors.base import Detection, Detector
from vision.detectors.centerface import CenterFace
from vision.detectors.yolov8 import Yolov8
from vision.models.catalogue import Family, ModelEntry
from vision.models.sessions import Session

__all__ = ["CenterFace", "Detection", "Detector", "Yolov8", "make_detector"]


def make_detector(
    entry: ModelEntry, session: Session, *, confidence: float | None = None
) -> Detector:
    """Return the detector of a catalogue entry; confidence None is its family's default minimum."""
    family = CenterFace if entry.family is Family.CENTERFACE else Yolov8
    return family(session) if confidence is None else family(session, confidence=confidence)

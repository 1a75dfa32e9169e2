"""Interface of detectors and their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box


@dataclass(frozen=True, eq=False)
class Detection:
    """A face: its box and landmarks (5, 2) in the photo's pixels, and the model's confidence.

    Landmarks are the left and right eye as seen in the photo, the nose tip, the left and right
    mouth corner.
    """

    box: Box
    landmarks: NDArray[np.float32] | None
    confidence: float


class Detector(Protocol):
    """Detects faces in photos (H, W, 3) uint8 RGB, by descending confidence."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """Return the faces of each photo."""
        ...


@dataclass(frozen=True)
class Candidates:
    """Boxes (n, 4), landmarks (n, 5, 2) or None, and scores (n,) in pixels of a model's input."""

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    scores: NDArray[np.float32]

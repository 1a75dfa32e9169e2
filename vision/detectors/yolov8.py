"""YOLOv8 face detectors: exports with one decoded output, and with the three raw pose heads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.detectors.base import Candidates, Detection
from vision.detectors.two_pass import Shape, detect_faces
from vision.errors import ModelRefused
from vision.geometry import letterbox_shape
from vision.models.sessions import Session

SIDE = 640  # px, longer side of the input if the graph's dimensions are free
COARSEST = 32  # px, the stride of the last grid
BINS = 16  # of the distribution focal loss, per side of the box
PLAIN_CHANNELS = (5, 20)  # box and score; with five landmarks
POSE_CHANNELS = 4 * BINS + 1 + 15


class Yolov8:
    """Detects faces; with landmarks if the export has them."""

    padding = 114  # grey, as in training
    iou = 0.5

    def __init__(self, session: Session, *, confidence: float = 0.4) -> None:
        self.session = session
        self.confidence = confidence

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """Return the faces of each photo."""
        return detect_faces(self, images)

    @property
    def batches(self) -> bool:
        """Say whether the graph takes several photos per call."""
        return self.session.input_shape[0] is None

    def shape_for(self, height: int, width: int) -> Shape:
        """Return the graph's fixed input size, or with free dimensions the smallest possible."""
        rows, columns = self.session.input_shape[2:]
        if rows is None or columns is None:
            return letterbox_shape(height, width, side=SIDE, multiple=COARSEST)
        return rows, columns

    def candidates(self, inputs: NDArray[np.uint8]) -> list[Candidates]:
        """Return the faces of each input with at least the minimum confidence."""
        planes = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2), np.float32)
        planes *= np.float32(1 / 255)
        outputs = self.session.run(planes)
        if len(outputs) == 1 and outputs[0].ndim == 3 and outputs[0].shape[1] in PLAIN_CHANNELS:
            return [plain_candidates(output, floor=self.confidence) for output in outputs[0]]
        if all(grid.ndim == 4 and grid.shape[1] == POSE_CHANNELS for grid in outputs):
            height = inputs.shape[1]
            return [
                _joined(
                    [
                        pose_candidates(
                            grid[row], stride=height // grid.shape[2], floor=self.confidence
                        )
                        for grid in outputs
                    ]
                )
                for row in range(len(inputs))
            ]
        shapes = [output.shape for output in outputs]
        raise ModelRefused(f"{self.session.path} is no YOLOv8 face detector: it answers {shapes}.")


def plain_candidates(output: NDArray[np.float32], *, floor: float) -> Candidates:
    """Decode (5, N) or (20, N): centre, size, probability, then x, y, visibility of landmarks."""
    sure = output[:, output[4] >= floor].T
    boxes = np.concatenate([sure[:, :2] - sure[:, 2:4] / 2, sure[:, 2:4]], axis=1)
    landmarks = sure[:, 5:].reshape(-1, 5, 3)[..., :2] if sure.shape[1] > 5 else None
    return Candidates(boxes, landmarks, sure[:, 4])


def pose_candidates(grid: NDArray[np.float32], *, stride: int, floor: float) -> Candidates:
    """Decode one grid (80, H, W): distances to the sides in bins, logit, landmarks.

    The expectation over the bins is the distance in strides from the cell's centre (its index +
    0.5) to the left, top, right and bottom; a landmark is (2 raw + centre - 0.5) strides.
    """
    floor = min(max(floor, 1e-6), 1 - 1e-6)
    rows, columns = np.nonzero(grid[4 * BINS] >= np.log(floor / (1 - floor)))
    sure = grid[:, rows, columns].T
    centres = np.stack([columns, rows], axis=1).astype(np.float32) + 0.5
    sides = _expectations(sure[:, : 4 * BINS].reshape(-1, 4, BINS))
    corners = centres - sides[:, :2]
    boxes = np.concatenate([corners, centres + sides[:, 2:] - corners], axis=1) * stride
    raw = sure[:, 4 * BINS + 1 :].reshape(-1, 5, 3)[..., :2]
    landmarks = (raw * 2 + centres[:, None] - 0.5) * stride
    scores = 1 / (1 + np.exp(-sure[:, 4 * BINS]))
    return Candidates(boxes, landmarks.astype(np.float32), scores.astype(np.float32))


def _expectations(bins: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean bin (n, 4) of the softmax over the last axis."""
    weights = np.exp(bins - bins.max(axis=-1, keepdims=True, initial=-np.inf))
    means: NDArray[np.float32] = (weights @ np.arange(BINS, dtype=np.float32)) / weights.sum(-1)
    return means


def _joined(grids: list[Candidates]) -> Candidates:
    landmarks = [grid.landmarks for grid in grids if grid.landmarks is not None]
    return Candidates(
        np.concatenate([grid.boxes for grid in grids]),
        np.concatenate(landmarks),
        np.concatenate([grid.scores for grid in grids]),
    )

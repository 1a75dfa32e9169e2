"""CenterFace: a heat map of face centres, with maps of sizes, offsets and landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.detectors.base import Candidates, Detection
from vision.detectors.two_pass import Shape, detect_faces
from vision.errors import ModelRefused
from vision.geometry import letterbox_shape
from vision.models.sessions import Session

SIDE = 640  # px, maximum of the input's longer side: 92 ms on one thread, 12 ms at 256
LEAST_SIDE = 256  # px: enlarging smaller photos to this helps, enlarging them further does not
STRIDE = 4  # px between cells of the heat map
MULTIPLE = 32  # px: the graph halves its input five times
CHANNELS = [1, 2, 2, 10]  # heat, log size, offset, landmarks; each pair y before x


class CenterFace:
    """Detects faces with landmarks."""

    padding = 0
    iou = 0.3
    batches = True

    def __init__(self, session: Session, *, confidence: float = 0.5) -> None:
        self.session = session
        self.confidence = confidence

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """Return the faces of each photo."""
        return detect_faces(self, images)

    def shape_for(self, height: int, width: int) -> Shape:
        """Return the smallest input for the photo, between LEAST_SIDE and SIDE px."""
        side = min(max(height, width, LEAST_SIDE), SIDE)
        return letterbox_shape(height, width, side=side, multiple=MULTIPLE)

    def candidates(self, inputs: NDArray[np.uint8]) -> list[Candidates]:
        """Return the faces of each input with at least the minimum confidence."""
        outputs = self.session.run(np.ascontiguousarray(inputs.transpose(0, 3, 1, 2), np.float32))
        if [output.shape[1] for output in outputs if output.ndim == 4] != CHANNELS:
            shapes = [output.shape for output in outputs]
            raise ModelRefused(f"{self.session.path} is no CenterFace: it answers {shapes}.")
        return [
            map_candidates(*(output[row] for output in outputs), floor=self.confidence)
            for row in range(len(inputs))
        ]


def map_candidates(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    points: NDArray[np.float32],
    *,
    floor: float,
) -> Candidates:
    """Decode the maps (c, H, W) of one input.

    The centre is (cell + offset + 0.5) strides, a side is exp(size) strides, and a landmark is
    given as a share of the box's sides from the box's corner.
    """
    rows, columns = np.nonzero(heat[0] >= floor)
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    centres = (cells + offset[::-1, rows, columns].T + 0.5) * STRIDE
    sides = np.exp(size[::-1, rows, columns].T) * STRIDE
    corners = centres - sides / 2
    shares = points[:, rows, columns].T.reshape(-1, 5, 2)[..., ::-1]
    return Candidates(
        np.concatenate([corners, sides], axis=1),
        corners[:, None] + shares * sides[:, None],
        heat[0, rows, columns],
    )

"""Two-pass detection: a second pass with a border for photos with a doubtful first result.

Detectors fail silently on tight crops: boxes and landmarks are wrong. If nothing is found, or the
best box touches or fills the frame, the photo is processed again with a border of half its side
all around, and the result of the second pass takes precedence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.detectors.base import Candidates, Detection
from vision.geometry import Letterbox, box_overlap, letterbox, suppress_boxes

BORDER = 0.5  # of the photo's side, on every side
TOUCHES = 0.02  # of the photo's side: a box this close to the frame may be cut off
FILLS = 0.4  # of the photo's area: the closest portraits that are detected correctly reach 0.45
SAME_FACE = 0.3  # share of the smaller box that is covered by the other
# Inputs per call, if the graph takes several. CenterFace at 640 px, ms per photo for batches of 1,
# 2, 4, 8: 87, 88, 90, 90 on one thread, and 8 need eight times the memory.
BATCH = 2

Shape = tuple[int, int]


class DetectorGraph(Protocol):
    """The model-specific part of a detector: shape of the input, decoding of the outputs."""

    padding: int
    iou: float

    @property
    def batches(self) -> bool:
        """Say whether the graph takes several inputs per call."""
        ...

    def shape_for(self, height: int, width: int) -> Shape:
        """Return the (height, width) of the input for a photo of this size."""
        ...

    def candidates(self, inputs: NDArray[np.uint8]) -> list[Candidates]:
        """Return each input's candidates with at least the minimum confidence.

        ``inputs`` are (n, height, width, 3).
        """
        ...


def detect_faces(
    graph: DetectorGraph, images: Sequence[NDArray[np.uint8]]
) -> list[list[Detection]]:
    """Return the faces of each photo, by descending confidence."""
    found = _detect_at(graph, images, border=0.0)
    doubtful = [row for row, image in enumerate(images) if _is_doubtful(found[row], image)]
    again = _detect_at(graph, [images[row] for row in doubtful], border=BORDER)
    for row, second in zip(doubtful, again, strict=True):
        found[row] = _join_passes(found[row], second, images[row])
    return found


def _detect_at(
    graph: DetectorGraph, images: Sequence[NDArray[np.uint8]], *, border: float
) -> list[list[Detection]]:
    """Run one pass over the photos, batched by input shape."""
    rows_of: dict[Shape, list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows_of[graph.shape_for(*image.shape[:2])].append(row)
    found: list[list[Detection]] = [[] for _ in images]
    size = BATCH if graph.batches else 1
    for (height, width), rows in rows_of.items():
        for first in range(0, len(rows), size):
            batch = rows[first : first + size]
            fitted = [
                letterbox(
                    images[row], height=height, width=width, border=border, padding=graph.padding
                )
                for row in batch
            ]
            seen = graph.candidates(np.stack([inputs for inputs, _ in fitted]))
            for row, candidates, (_, lies) in zip(batch, seen, fitted, strict=True):
                found[row] = _detections(candidates, lies, iou=graph.iou)
    return found


def _detections(candidates: Candidates, lies: Letterbox, *, iou: float) -> list[Detection]:
    """Apply non-maximum suppression and convert to the photo's pixels."""
    kept = suppress_boxes(candidates.boxes, candidates.scores, iou=iou)
    boxes = lies.boxes_back(candidates.boxes[kept]).tolist()
    scores = candidates.scores[kept].tolist()
    if candidates.landmarks is None:
        points: Sequence[NDArray[np.float32] | None] = [None] * len(boxes)
    else:
        points = list(lies.points_back(candidates.landmarks[kept]))
    return [
        Detection((x, y, width, height), landmarks, score)
        for (x, y, width, height), landmarks, score in zip(boxes, points, scores, strict=True)
    ]


def _is_doubtful(found: list[Detection], image: NDArray[np.uint8]) -> bool:
    """Say whether nothing was found, or the best box touches or fills the frame."""
    return not found or _touches(found[0], image) or _fills(found[0], image)


def _touches(face: Detection, image: NDArray[np.uint8]) -> bool:
    height, width = image.shape[:2]
    x, y, box_width, box_height = face.box
    near_x, near_y = TOUCHES * width, TOUCHES * height
    return (
        x <= near_x
        or y <= near_y
        or x + box_width >= width - near_x
        or y + box_height >= height - near_y
    )


def _fills(face: Detection, image: NDArray[np.uint8]) -> bool:
    height, width = image.shape[:2]
    return face.box[2] * face.box[3] >= FILLS * height * width


def _join_passes(
    first: list[Detection], second: list[Detection], image: NDArray[np.uint8]
) -> list[Detection]:
    """Return the faces of the second pass, and those of the first that it missed.

    Confidence is no criterion: on a tight crop the wrong result has the higher confidence. The
    first pass detects small faces better, so if no face fills the frame, its other faces are kept.
    """
    if not first or not second:
        return first or second
    if _fills(first[0], image) or _fills(second[0], image):
        return second
    boxes = np.asarray([face.box for face in second], np.float32)
    left_out = [
        face
        for face in first
        if not _touches(face, image)
        and box_overlap(np.asarray(face.box, np.float32), boxes).max() < SAME_FACE
    ]
    return sorted((*second, *left_out), key=lambda face: -face.confidence)

"""Face alignment: warp a face to the square crop that an embedder was trained on.

Pure geometry on arrays: boxes are (x, y, width, height) and landmarks (5, 2), both in pixels.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, halve_picture

Matrix = NDArray[np.float64]

# Positions of landmarks in dlib's 150 px crop: eyes, nose, mouth corners (median of 958 faces).
DLIB_TEMPLATE = np.array(
    [[48.13, 43.68], [102.42, 44.88], [74.30, 77.17], [50.71, 100.80], [97.70, 101.64]]
)
DLIB_WEIGHTS = np.array([0.385, 0.331, 0.069, 0.112, 0.104])
DLIB_SIDE = 150  # px
FACENET_MARGIN = 0.1  # of the box, on each side
_SHRINK_FROM = 0.5  # scale below which bilinear sampling would skip source pixels
_LEAST_EYE_DISTANCE = 0.15  # of the box's width; closer eyes are a profile, whose tilt is noise


def similarity_transform(
    points: NDArray[np.floating], template: NDArray[np.floating], weights: NDArray[np.floating]
) -> Matrix | None:
    """Return the (2, 3) rotation, scale and shift that maps points onto the template best.

    Weighted least squares in closed form over complex numbers: z -> a z + b. Never a reflection;
    None if the points coincide, or if the rotation is undetermined.
    """
    share = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    here, there = _complex(points), _complex(template)
    here_mean, there_mean = np.sum(share * here), np.sum(share * there)
    moved = here - here_mean
    spread = float(np.sum(share * np.abs(moved) ** 2))
    turn = np.sum(share * np.conj(moved) * (there - there_mean))
    if not math.isfinite(spread) or spread < 1e-6 or abs(turn) < 1e-6 * spread:
        return None
    a = turn / spread
    b = there_mean - a * here_mean
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def dlib_matrix(box: Box, landmarks: NDArray[np.floating] | None) -> Matrix:
    """Return the (2, 3) map of a photo onto dlib's crop, by landmarks or else by the box."""
    found = None
    if landmarks is not None:
        found = similarity_transform(landmarks, DLIB_TEMPLATE, DLIB_WEIGHTS)
    return _box_onto_dlib(box) if found is None else found


def facenet_matrix(box: Box, landmarks: NDArray[np.floating] | None, *, side: int) -> Matrix:
    """Return the (2, 3) map onto FaceNet's crop: eyes level, the box widened and stretched.

    Stretched, because the model was trained on boxes that were resized without keeping the aspect
    ratio.
    """
    x, y, width, height = box
    centre_x, centre_y = x + width / 2, y + height / 2
    widened = 1 + 2 * FACENET_MARGIN
    tilt = _tilt(landmarks, width)
    level = np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
    scale = np.diag([side / max(width * widened, 1.0), side / max(height * widened, 1.0)])
    linear = scale @ level
    shift = np.array([side / 2, side / 2]) - linear @ np.array([centre_x, centre_y])
    return np.column_stack([linear, shift])


def warp_face(pixels: NDArray[np.uint8], matrix: Matrix, side: int) -> NDArray[np.uint8]:
    """Return the (side, side, 3) crop of a map; pixels outside of the photo are black."""
    pixels, matrix = _cut(pixels, matrix, side)
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if scale < _SHRINK_FROM:
        pixels, matrix = _shrunk(pixels, matrix, scale)
    # These maps use continuous coordinates; OpenCV's origin is the centre of the first pixel.
    centred = matrix.copy()
    centred[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return np.asarray(
        cv2.warpAffine(pixels, centred, (side, side), flags=cv2.INTER_LINEAR), dtype=np.uint8
    )


def _complex(points: NDArray[np.floating]) -> NDArray[np.complex128]:
    exact = np.asarray(points, dtype=np.float64)
    return exact[:, 0] + 1j * exact[:, 1]


# Position of boxes in dlib's crop, for detectors without landmarks: the mean between CenterFace
# and yolov8-lite-t (165 photos). Best accuracy by box 0.993, by landmarks 0.998.
_BOX_CENTRE = np.array([76.0, 63.0])
_BOX_SIDE = 137.0


def _box_onto_dlib(box: Box) -> Matrix:
    x, y, width, height = box
    scale = _BOX_SIDE / max(math.sqrt(max(width, 1.0) * max(height, 1.0)), 1.0)
    shift = _BOX_CENTRE - scale * np.array([x + width / 2, y + height / 2])
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def _tilt(landmarks: NDArray[np.floating] | None, width: float) -> float:
    if landmarks is None:
        return 0.0
    across, down = (float(step) for step in landmarks[1] - landmarks[0])
    if not math.hypot(across, down) > _LEAST_EYE_DISTANCE * width:
        return 0.0
    return math.atan2(down, across)


def _cut(pixels: NDArray[np.uint8], matrix: Matrix, side: int) -> tuple[NDArray[np.uint8], Matrix]:
    """Return the part of the photo that is visible in the crop, with a margin.

    Shrinking this part costs less than the photo, and OpenCV rejects sides beyond 32,767 px.
    """
    back = np.linalg.inv(matrix[:, :2])
    corners = (np.array([[0, 0], [side, 0], [0, side], [side, side]]) - matrix[:, 2]) @ back.T
    height, width = pixels.shape[:2]
    margin = 2 / math.sqrt(abs(float(np.linalg.det(matrix[:, :2])))) + 2
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, [width - 1, height - 1]).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, [width, height]).astype(int)
    part = pixels[low[1] : high[1], low[0] : high[0]]
    return part, _after(matrix, np.eye(2), low.astype(np.float64))


def _shrunk(
    pixels: NDArray[np.uint8], matrix: Matrix, scale: float
) -> tuple[NDArray[np.uint8], Matrix]:
    """Halve the photo until the scale of the warp is at least 1/2."""
    times = int(min(-math.log2(scale), math.log2(min(pixels.shape[:2]))))
    return halve_picture(pixels, times), _after(matrix, np.eye(2) * 2.0**times, np.zeros(2))


def _after(matrix: Matrix, linear: Matrix, shift: NDArray[np.float64]) -> Matrix:
    """Compose `matrix` after the map (`linear`, `shift`) back to the original photo."""
    turned = matrix[:, :2] @ linear
    return np.column_stack([turned, matrix[:, :2] @ shift + matrix[:, 2]])

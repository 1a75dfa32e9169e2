"""Cut faces out of photos: what a box shows, and the square a reviewer judges a face by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, square_around

CROP_SIDE = 256  # px at most
CROP_MARGIN = 1.6  # of the face's longer side: hair, ears and chin tell people apart


def box_pixels(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return what lies in a box, without a copy; at least one pixel of the photo."""
    height, width = pixels.shape[:2]
    left, top = min(max(round(box[0]), 0), width - 1), min(max(round(box[1]), 0), height - 1)
    right, bottom = round(box[0] + box[2]), round(box[1] + box[3])
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def face_crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the square around a face, (s, s, 3), s <= 256; beyond the photo its edge goes on."""
    x, y, wanted, _ = square_around(box, margin=CROP_MARGIN)
    side = max(round(wanted), 1)
    left, top = round(x), round(y)
    height, width = pixels.shape[:2]
    shown = pixels[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    if shown.size == 0:
        return np.zeros((1, 1, 3), np.uint8)
    shrink = min(CROP_SIDE / side, 1.0)
    top_gap, bottom_gap, left_gap, right_gap = (
        round(max(gap, 0) * shrink)
        for gap in (-top, top + side - height, -left, left + side - width)
    )
    final = round(side * shrink)
    inner = (max(final - left_gap - right_gap, 1), max(final - top_gap - bottom_gap, 1))
    if inner != shown.shape[1::-1]:
        shown = np.asarray(cv2.resize(shown, inner, interpolation=cv2.INTER_AREA), np.uint8)
    padded = cv2.copyMakeBorder(
        shown, top_gap, bottom_gap, left_gap, right_gap, borderType=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(padded, np.uint8)

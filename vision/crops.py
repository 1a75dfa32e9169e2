"""Cut the square around a face that a reviewer judges it by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, square_around

CROP_SIDE = 256  # px at most
CROP_MARGIN = 1.6  # of the face's longer side: hair, ears and chin tell people apart


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
    missing = (-top, top + side - height, -left, left + side - width)
    pads = [round(max(pixels_missing, 0) * shrink) for pixels_missing in missing]
    final = round(side * shrink)
    inner = (max(final - pads[2] - pads[3], 1), max(final - pads[0] - pads[1], 1))
    if inner != shown.shape[1::-1]:
        shown = np.asarray(cv2.resize(shown, inner, interpolation=cv2.INTER_AREA), np.uint8)
    padded = cv2.copyMakeBorder(shown, *pads, borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(padded, np.uint8)

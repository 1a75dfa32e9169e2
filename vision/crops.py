"""Crops of faces: the pixels of a box, and the square crop shown to reviewers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, resize_picture, square_around

CROP_SIDE = 256  # px, maximum
CROP_MARGIN = 1.6  # of the face's longer side: hair, ears and chin help to recognise people
EDGE_MARGIN = 1.15  # at the edge of a photo, where a larger crop could show another person


def box_pixels(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return a view of the pixels in a box, at least one pixel."""
    height, width = pixels.shape[:2]
    left, top = min(max(round(box[0]), 0), width - 1), min(max(round(box[1]), 0), height - 1)
    right, bottom = round(box[0] + box[2]), round(box[1] + box[3])
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def face_crop(pixels: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the square crop around a face within the photo, (s, s, 3) with s <= CROP_SIDE.

    Near an edge of the photo it is smaller, so that the face stays centred as far as possible.
    """
    height, width = pixels.shape[:2]
    x, y, wanted, _ = square_around(box, margin=CROP_MARGIN)
    middle_x, middle_y = x + wanted / 2, y + wanted / 2
    room = 2 * min(middle_x, middle_y, width - middle_x, height - middle_y)
    least = wanted * EDGE_MARGIN / CROP_MARGIN
    side = min(max(round(min(max(room, least), wanted)), 1), width, height)
    left = min(max(round(middle_x - side / 2), 0), width - side)
    top = min(max(round(middle_y - side / 2), 0), height - side)
    final = min(side, CROP_SIDE)
    return resize_picture(pixels[top : top + side, left : left + side], final, final)

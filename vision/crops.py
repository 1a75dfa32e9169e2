"""Cut faces out of photos: what a box shows, and the square a reviewer judges a face by."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.geometry import Box, picture_resize, square_around

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
    final = min(side, CROP_SIDE)
    across = _Span.of(round(x), side, within=pixels.shape[1], final=final)
    down = _Span.of(round(y), side, within=pixels.shape[0], final=final)
    shown = pixels[down.first : down.last, across.first : across.last]
    size = (final - across.before - across.after, final - down.before - down.after)
    shown = picture_resize(shown, *size)
    pads = (down.before, down.after, across.before, across.after)
    padded = cv2.copyMakeBorder(shown, *pads, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


@dataclass(frozen=True)
class _Span:
    """The part of a crop's side that the photo has, and what is missing of the final crop."""

    first: int
    last: int
    before: int
    after: int

    @classmethod
    def of(cls, start: int, side: int, *, within: int, final: int) -> _Span:
        """Cut ``side`` pixels from ``start``; at least one lies within the photo."""
        start = min(max(start, 1 - side), within - 1)
        first, last = max(start, 0), min(start + side, within)
        before = min(round((first - start) * final / side), final - 1)
        end = max(round((last - start) * final / side), before + 1)
        return cls(first, last, before, final - end)

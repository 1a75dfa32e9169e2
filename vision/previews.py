"""A photo for the screen: whatever its format, upright, and small enough to send."""

from __future__ import annotations

from vision.geometry import resize_picture
from vision.images import ImageLimits, decode_image, encode_crop

PREVIEW_SIDE = 1600  # px of the longer side at most


def encode_preview(data: bytes, *, limits: ImageLimits, side: int = PREVIEW_SIDE) -> bytes:
    """Return the JPEG file of an upright photo whose longer side has ``side`` pixels at most."""
    pixels = decode_image(data, limits=limits, working_side=side).pixels
    height, width = pixels.shape[:2]
    shrink = side / max(height, width)
    if shrink < 1:
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        pixels = resize_picture(pixels, *size)
    return encode_crop(pixels)

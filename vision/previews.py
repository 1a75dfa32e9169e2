"""Previews of photos of any format: upright JPEG of limited size."""

from __future__ import annotations

from vision.geometry import resize_picture
from vision.images import ImageLimits, decode_image, encode_crop

PREVIEW_SIDE = 1600  # px, maximum of the longer side


def encode_preview(data: bytes, *, limits: ImageLimits, side: int = PREVIEW_SIDE) -> bytes:
    """Return a photo as an upright JPEG file, scaled down to at most ``side`` pixels."""
    pixels = decode_image(data, limits=limits, working_side=side).pixels
    height, width = pixels.shape[:2]
    shrink = side / max(height, width)
    if shrink < 1:
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        pixels = resize_picture(pixels, *size)
    return encode_crop(pixels)

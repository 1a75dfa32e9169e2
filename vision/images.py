"""Decode photos to upright RGB pixels.

The format is detected from the content, never from a name. The header is checked before decoding.
For any input, the only exception raised is VisionError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vision.errors import EmptyFile, ImageTooLarge, NotAnImage, UnreadableImage
from vision.formats import (
    DECODER_FAILURES,
    format_name,
    is_fast_jpeg,
    open_header,
    orientation_of,
    rgb_pixels,
    taken_of,
    upright,
)

REDUCTIONS = (8, 4, 2)
JPEG_REDUCED = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
CROP_JPEG_QUALITY = 90
_JPEG_BEGIN, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
# Only JPEG saves work by decoding small; other formats are shrunk where keeping them is dear.
HEAVY_PIXELS = 16_000_000


@dataclass(frozen=True)
class ImageLimits:
    """Upper limits of a photo: bytes of the file, pixels, and pixels of a side."""

    max_bytes: int = 50_000_000
    max_pixels: int = 120_000_000
    max_side: int = 30_000


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """An upright photo; ``pixels`` (H, W, 3) are the original scaled by ``scale``, 1 or less.

    ``taken`` is the camera's local time as ISO 8601 without a time zone, "" if unknown.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    scale: float
    format: str
    taken: str = ""
    data: bytes = field(default=b"", repr=False)

    @property
    def long_side(self) -> int:
        """Return the longer side of the upright original in pixels."""
        return max(self.width, self.height)


def decode_image(
    data: bytes, *, limits: ImageLimits, working_side: int | None = None
) -> DecodedImage:
    """Decode a photo, reduced to 1/2, 1/4 or 1/8 if it is much larger than ``working_side``.

    The longer side of a reduced photo has at least ``working_side`` pixels. Raises EmptyFile,
    ImageTooLarge, NotAnImage or UnreadableImage.
    """
    _check_bytes(data, limits)
    try:
        header = open_header(data)
    except DECODER_FAILURES as failure:
        raise NotAnImage("The file is not an image of a format that can be read.") from failure
    with header:
        _check_size(header, limits)
        orientation, taken = orientation_of(header, data), taken_of(header)
        reduction = _reduction(max(header.size), working_side)
        try:
            pixels, reduction = _pixels(data, header, reduction)
        except DECODER_FAILURES as failure:
            raise UnreadableImage("The image is damaged or incomplete.") from failure
        width, height = header.size if orientation < 5 else header.size[::-1]
        return DecodedImage(
            pixels=upright(pixels, orientation),
            width=width,
            height=height,
            scale=1 / reduction,
            format=format_name(header),
            taken=taken,
            data=data,
        )


def image_at_scale(image: DecodedImage, *, scale: float, limits: ImageLimits) -> DecodedImage:
    """Decode the photo again at ``scale`` of the original or more, if it is smaller than that."""
    if image.scale >= min(scale, 1.0) or not image.data:
        return image
    return decode_image(
        image.data, limits=limits, working_side=math.ceil(image.long_side * min(scale, 1.0))
    )


def encode_crop(crop: NDArray[np.uint8]) -> bytes:
    """Encode an RGB crop (h, w, 3) as JPEG."""
    bgr = np.ascontiguousarray(crop[..., ::-1])
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, CROP_JPEG_QUALITY])
    return encoded.tobytes()


def is_crop_intact(data: bytes) -> bool:
    """Say whether bytes are the JPEG file of a crop, from its first byte to its last.

    An eighth of the size is decoded: a twentieth of a millisecond.
    """
    if not (data.startswith(_JPEG_BEGIN) and data.endswith(_JPEG_END)):
        return False
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except cv2.error:
        return False
    return found is not None


def _check_bytes(data: bytes, limits: ImageLimits) -> None:
    """Check the length of a file; raise EmptyFile or ImageTooLarge."""
    if not data:
        raise EmptyFile("The file is empty.")
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(
            f"The file has {len(data):,} bytes; {limits.max_bytes:,} are allowed.",
            code="too_many_bytes",
        )


def _check_size(header: Image.Image, limits: ImageLimits) -> None:
    """Check the size in the header; raise UnreadableImage or ImageTooLarge."""
    width, height = header.size
    if min(width, height) < 1:
        raise UnreadableImage("The image has no pixels.")
    if max(width, height) > limits.max_side:
        raise ImageTooLarge(
            f"The image is {width} x {height}; a side may have {limits.max_side:,} pixels.",
            code="side_too_long",
        )
    if width * height > limits.max_pixels:
        raise ImageTooLarge(
            f"The image has {width * height:,} pixels; {limits.max_pixels:,} are allowed.",
            code="too_many_pixels",
        )


def _reduction(long_side: int, working_side: int | None) -> int:
    """Return the largest of 8, 4, 2, 1 that keeps the longer side at ``working_side`` or more."""
    if working_side is None:
        return 1
    wanted = max(working_side, 1)
    return next((by for by in REDUCTIONS if math.ceil(long_side / by) >= wanted), 1)


def _pixels(data: bytes, header: Image.Image, reduction: int) -> tuple[NDArray[np.uint8], int]:
    """Return the RGB pixels, not yet upright, and the reduction."""
    if is_fast_jpeg(header):
        pixels = _jpeg_pixels(data, header.size, reduction)
        if pixels is not None:
            return pixels, reduction
    full = rgb_pixels(header)
    if reduction == 1 or full.shape[0] * full.shape[1] <= HEAVY_PIXELS:
        return full, 1
    height, width = full.shape[:2]
    size = (math.ceil(width / reduction), math.ceil(height / reduction))
    return cv2.resize(full, size, interpolation=cv2.INTER_AREA).astype(np.uint8), reduction


def _jpeg_pixels(data: bytes, size: tuple[int, int], reduction: int) -> NDArray[np.uint8] | None:
    """Decode a JPEG by OpenCV; None on failure, so that Pillow reports what is wrong with it."""
    flags = JPEG_REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    expected = (math.ceil(size[1] / reduction), math.ceil(size[0] / reduction), 3)
    if decoded is None or decoded.shape != expected:
        return None
    pixels: NDArray[np.uint8] = decoded.astype(np.uint8, copy=False)
    if reduction > 1:
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, dst=pixels)
    return pixels

"""Differences between file formats of photos: headers, orientation, colour, depth.

Files are read by Pillow with the HEIF plugin. Limits on photos are checked in ``vision.images``.
"""

from __future__ import annotations

import io
import struct
import zlib
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

Image.init()  # load all plugins now: lazy loading is not thread-safe
register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF", "GIF", "AVIF")
SAME_FORMAT = {"MPO": "JPEG"}  # JPEG files of phones with a second picture appended
TAKEN = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")

# Sizes are checked against the caller's limits; Pillow's own limit differs and only warns.
Image.MAX_IMAGE_PIXELS = None

# Exceptions of Pillow's plugins and OpenCV for broken bytes, found by fuzzing and in their source.
DECODER_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    MemoryError,
    BufferError,
    RuntimeError,
    struct.error,
    zlib.error,
    cv2.error,
    Image.DecompressionBombError,
)


def open_header(data: bytes) -> Image.Image:
    """Open a photo without decoding it."""
    return Image.open(io.BytesIO(data), formats=FORMATS)


def format_name(header: Image.Image) -> str:
    """Return Pillow's name of the format; variants have the name of their base format."""
    name = header.format or ""
    return SAME_FORMAT.get(name, name)


def is_fast_jpeg(header: Image.Image) -> bool:
    """Say whether OpenCV decodes the photo correctly: a JPEG that is not CMYK."""
    return format_name(header) == "JPEG" and header.mode in ("RGB", "L")


def orientation_of(header: Image.Image, data: bytes) -> int:
    """Return the EXIF orientation 1..8 still to apply after decoding; 1 for broken EXIF."""
    if header.format == "TIFF":
        return 1  # applied by Pillow while decoding
    if header.format == "HEIF":
        return _heif_orientation(header, data)
    try:
        orientation = int(header.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODER_FAILURES:
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def taken_of(header: Image.Image) -> str:
    """Return the time of the photo from EXIF, ISO 8601 in the camera's local time, or ""."""
    try:
        exif = header.getexif().get_ifd(ExifTags.IFD.Exif)
        stated = str(next((exif[tag] for tag in TAKEN if exif.get(tag)), ""))
        return datetime.strptime(stated.strip("\x00 "), "%Y:%m:%d %H:%M:%S").isoformat()
    except DECODER_FAILURES:
        return ""


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Rotate and mirror pixels by their EXIF orientation."""
    if orientation >= 5:  # 5..8 are transposed
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _heif_orientation(header: Image.Image, data: bytes) -> int:
    """Return the EXIF orientation of a HEIF file without transformations in its container.

    The decoder applies the container's transformations (irot, imir), which cameras write in
    addition to the same orientation in EXIF; it ignores a file's orientation in EXIF alone.
    """
    if b"irot" in data or b"imir" in data:
        return 1
    orientation = header.info.get("original_orientation") or 1
    return orientation if 1 <= orientation <= 8 else 1


def rgb_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Decode the first picture of a file as RGB on a white background."""
    image.load()
    if image.mode in DEEP_GREY:
        return _grey_pixels(np.asarray(image))
    if _is_transparent(image):
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return np.asarray(Image.alpha_composite(white, seen).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _is_transparent(image: Image.Image) -> bool:
    """Say whether the picture can have transparent pixels."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _grey_pixels(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale grey values of 16 bits, 32 bits or floats to 8-bit RGB."""
    values = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    levels = np.clip(values * (255 / _white_of(grey, values)), 0, 255)
    return np.repeat(np.rint(levels).astype(np.uint8)[..., None], 3, axis=2)


def _white_of(grey: NDArray[np.generic], values: NDArray[np.float32]) -> float:
    """Return the value of white: the maximum of the type, or the scale used by the picture."""
    if grey.dtype == np.uint16:
        return 65535.0
    brightest = float(values.max(initial=0))
    common = (1.0, 255.0, 65535.0) if np.issubdtype(grey.dtype, np.floating) else (255.0, 65535.0)
    return next((white for white in common if brightest <= white), brightest)

"""What the file formats of photos do differently: headers, orientation, colour, depth.

Pillow with the HEIF plugin reads them; nothing here decides whether a photo is accepted.
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

Image.init()  # every plugin now: they load lazily, and not safely between threads
register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF", "GIF", "AVIF")
SAME_FORMAT = {"MPO": "JPEG"}  # a phone's JPEG with a second picture behind it
TAKEN = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")

# Sizes are checked against the caller's limits; Pillow's own limit is another, and only warns.
Image.MAX_IMAGE_PIXELS = None

# What Pillow's plugins and OpenCV raise for broken bytes, as fuzzing and their sources show.
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
    """Return the format in Pillow's names; variants go by the name of their format."""
    name = header.format or ""
    return SAME_FORMAT.get(name, name)


def is_fast_jpeg(header: Image.Image) -> bool:
    """Tell whether OpenCV reads the photo as it should be seen: a JPEG that is not CMYK."""
    return format_name(header) == "JPEG" and header.mode in ("RGB", "L")


def orientation_of(header: Image.Image, data: bytes) -> int:
    """Return the orientation 1..8 that decoding leaves to do; broken EXIF is taken as upright."""
    if header.format == "TIFF":
        return 1  # Pillow turns it while it decodes
    if header.format == "HEIF":
        return _heif_orientation(header, data)
    try:
        orientation = int(header.getexif().get(ExifTags.Base.Orientation, 1))
    except DECODER_FAILURES:
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def taken_of(header: Image.Image) -> str:
    """Return when EXIF says the photo was taken, as ISO 8601 on the camera's clock, or ""."""
    try:
        exif = header.getexif().get_ifd(ExifTags.IFD.Exif)
        stated = str(next((exif[tag] for tag in TAKEN if exif.get(tag)), ""))
        return datetime.strptime(stated.strip("\x00 "), "%Y:%m:%d %H:%M:%S").isoformat()
    except DECODER_FAILURES:
        return ""


def upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn and mirror pixels by their EXIF orientation."""
    if orientation >= 5:  # 5..8 lie on their side
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _heif_orientation(header: Image.Image, data: bytes) -> int:
    """Return the EXIF orientation of a HEIF file that has no turn of its own.

    The decoder follows the container's turns (irot, imir), which cameras write beside the same
    orientation in EXIF; a file with EXIF alone is left lying.
    """
    if b"irot" in data or b"imir" in data:
        return 1
    orientation = header.info.get("original_orientation") or 1
    return orientation if 1 <= orientation <= 8 else 1


def rgb_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Decode the first picture of a file as RGB; what is transparent becomes white."""
    image.load()
    if image.mode in DEEP_GREY:
        return _grey_pixels(np.asarray(image))
    if _is_transparent(image):
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return np.asarray(Image.alpha_composite(white, seen).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _is_transparent(image: Image.Image) -> bool:
    """Tell whether pixels of the picture may be see-through."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _grey_pixels(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale grey values of 16 bits, 32 bits or floats to 8 bits, and make them RGB."""
    values = np.nan_to_num(grey.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    levels = np.clip(values * (255 / _white_of(grey, values)), 0, 255)
    return np.repeat(np.rint(levels).astype(np.uint8)[..., None], 3, axis=2)


def _white_of(grey: NDArray[np.generic], values: NDArray[np.float32]) -> float:
    """Return the value that is white: what the type holds, or the scale the picture itself uses."""
    if grey.dtype == np.uint16:
        return 65535.0
    brightest = float(values.max(initial=0))
    common = (1.0, 255.0, 65535.0) if np.issubdtype(grey.dtype, np.floating) else (255.0, 65535.0)
    return next((white for white in common if brightest <= white), brightest)

"""Previews of photos."""

import io

import numpy as np
import pytest
from PIL import Image

from vision import PREVIEW_SIDE, ImageLimits, NotAnImage, encode_preview

LIMITS = ImageLimits()


def photo(width, height, kind="PNG", **options):
    """Return a photo whose left half is red and whose right half is blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = pixels[:, width // 2 :, 2] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def shown(data):
    preview = Image.open(io.BytesIO(encode_preview(data, limits=LIMITS)))
    assert preview.format == "JPEG"
    return preview


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_a_large_photo_of_any_format_is_shrunk_to_the_side(kind):
    preview = shown(photo(4000, 1000, kind))

    assert preview.size == (PREVIEW_SIDE, 400)
    red, _, blue = preview.getpixel((10, 200))
    assert red > 200 > blue


def test_a_small_photo_keeps_its_size():
    assert shown(photo(320, 200)).size == (320, 200)


def test_a_turned_photo_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it
    preview = shown(photo(2000, 1000, "JPEG", exif=exif))

    assert preview.size == (800, PREVIEW_SIDE)
    red, _, blue = preview.getpixel((400, 10))
    assert red > 200 > blue


def test_a_thin_photo_keeps_a_pixel_of_its_width():
    assert shown(photo(2, 9000)).size == (1, PREVIEW_SIDE)


def test_what_is_no_photo_is_refused():
    with pytest.raises(NotAnImage):
        encode_preview(b"no photo", limits=LIMITS)

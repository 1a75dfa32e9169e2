"""Generated photos of every format and size, valid and damaged."""

import io
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from vision.errors import EmptyFile, ImageTooLarge, NotAnImage, UnreadableImage, VisionError
from vision.images import ImageLimits, decode_image, encode_crop, image_at_scale

LIMITS = ImageLimits(max_bytes=5_000_000, max_pixels=4_000_000, max_side=3_000)
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF", "GIF", "AVIF")
LOSSLESS = ("PNG", "BMP", "TIFF")
CORNERS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 40))


def drawn(width=96, height=64):
    """Return a picture whose four quarters are red, green (top), blue and yellow (bottom)."""
    pixels = np.zeros((height, width, 3), np.uint8)
    middle, centre = height // 2, width // 2
    pixels[:middle, :centre], pixels[:middle, centre:] = CORNERS[:2]
    pixels[middle:, :centre], pixels[middle:, centre:] = CORNERS[2:]
    return pixels


def saved(pixels, kind, **options):
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def taken(stated):
    """Return EXIF that says when a photo was taken, as bytes: some writers drop a bare sub-IFD."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = stated
    return exif.tobytes()


def decoded(data, **options):
    return decode_image(data, limits=LIMITS, **options)


def corners(pixels):
    height, width = pixels.shape[:2]
    rows, columns = (height // 4, 3 * height // 4), (width // 4, 3 * width // 4)
    return [tuple(int(v) for v in pixels[row, column]) for row in rows for column in columns]


def near(one, other, by=30):
    return np.abs(np.subtract(one, other)).max() <= by


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_by_its_content(kind):
    image = decoded(saved(drawn(), kind))

    assert (image.format, image.width, image.height, image.scale) == (kind, 96, 64, 1.0)
    assert image.pixels.dtype == np.uint8
    assert image.pixels.flags.c_contiguous
    assert near(corners(image.pixels), CORNERS)
    if kind in LOSSLESS:
        assert np.array_equal(image.pixels, drawn())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_orientation_stands_upright(kind, orientation):
    lying = Image.fromarray(drawn())
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    if orientation in undo:
        lying = lying.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation

    image = decoded(saved(lying, kind, exif=exif))

    assert (image.width, image.height) == (96, 64)
    assert image.pixels.shape == (64, 96, 3)
    assert near(corners(image.pixels), CORNERS)


def test_a_camera_heif_is_not_turned_twice():
    lying = Image.fromarray(drawn()).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying.info["exif"] = exif.tobytes()  # the plugin then writes the turn into the container too
    data = saved(lying, "HEIF")

    image = decoded(data)

    assert b"irot" in data
    assert image.pixels.shape == (64, 96, 3)
    assert near(corners(image.pixels), CORNERS)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_leaves_the_photo_as_it_lies():
    exif = b"Exif\x00\x00MM\x00*\x00\x00\xff\xff\xff\xff"

    image = decoded(saved(drawn(), "JPEG", exif=exif))

    assert near(corners(image.pixels), CORNERS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_the_day_a_photo_was_taken_is_read(kind):
    assert decoded(saved(drawn(), kind, exif=taken("2024:05:01 12:30:59"))).taken == (
        "2024-05-01T12:30:59"
    )


@pytest.mark.parametrize(
    "stated", ["", "0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "2024:13:01 12:00:00"]
)
def test_a_day_that_is_none_is_no_day(stated):
    assert decoded(saved(drawn(), "JPEG", exif=taken(stated))).taken == ""


def test_the_day_of_scanning_stands_in_for_that_of_taking():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9004] = "1999:12:31 23:59:59"

    assert decoded(saved(drawn(), "JPEG", exif=exif)).taken == "1999-12-31T23:59:59"


def test_cmyk_looks_like_the_same_photo():
    image = decoded(saved(Image.fromarray(drawn()).convert("CMYK"), "JPEG"))

    assert near(corners(image.pixels), CORNERS)


def test_a_palette_is_looked_up():
    image = decoded(saved(Image.fromarray(drawn()).quantize(8), "PNG"))

    assert near(corners(image.pixels), CORNERS)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "HEIF"])
def test_sixteen_bits_keep_their_brightness(kind):
    grey = np.full((64, 96), 32768, np.uint16)
    grey[:, 48:] = 65535

    pixels = decoded(saved(grey, kind)).pixels

    assert near(pixels[32, 20], (128, 128, 128), by=2)
    assert near(pixels[32, 80], (255, 255, 255), by=2)


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.float32, 1.0), (np.float32, 255), (np.int32, 40000)]
)
def test_deep_tiff_is_scaled_to_eight_bits(dtype, white):
    grey = np.zeros((64, 96), dtype)
    grey[:, 48:] = white

    pixels = decoded(saved(grey, "TIFF")).pixels

    assert pixels[32, 20].tolist() == [0, 0, 0]
    assert pixels[32, 80].min() >= 155


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_what_is_transparent_becomes_white(kind):
    alpha = np.full((64, 96, 1), 255, np.uint8)
    alpha[:, 48:] = 0

    image = decoded(saved(np.concatenate([drawn(), alpha], axis=2), kind))

    assert near(corners(image.pixels)[0], CORNERS[0])
    assert near(corners(image.pixels)[1], (255, 255, 255))


def test_a_transparent_palette_colour_becomes_white():
    picture = Image.fromarray(drawn()).quantize(4)
    red = picture.getpixel((2, 2))

    image = decoded(saved(picture, "PNG", transparency=red))

    assert near(corners(image.pixels)[0], (255, 255, 255))
    assert near(corners(image.pixels)[3], CORNERS[3])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_an_animation_shows_its_first_picture(kind):
    others = [Image.fromarray(255 - drawn()), Image.fromarray(drawn()[::-1])]

    image = decoded(saved(drawn(), kind, save_all=True, append_images=others))

    assert near(corners(image.pixels), CORNERS)


@pytest.mark.parametrize(
    ("side", "by"), [(96, 1), (97, 1), (48, 2), (30, 2), (24, 4), (12, 8), (1, 8)]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_large_jpeg_is_decoded_smaller_but_not_below_the_working_side(mode, side, by):
    photo = Image.fromarray(drawn()).convert(mode)

    image = decoded(saved(photo, "JPEG"), working_side=side)

    assert image.scale == 1 / by
    assert image.pixels.shape == (-(-64 // by), -(-96 // by), 3)
    assert (image.width, image.height) == (96, 64)
    assert near(corners(image.pixels), corners(np.asarray(photo.convert("RGB"))))


def test_a_small_png_keeps_its_pixels_whatever_the_working_side():
    assert decoded(saved(drawn(), "PNG"), working_side=10).scale == 1.0


def test_a_heavy_png_is_shrunk_to_its_working_side():
    wide = ImageLimits(max_pixels=20_000_000, max_side=5_000)
    photo = saved(drawn(5_000, 3_400), "PNG", compress_level=1)

    image = decode_image(photo, limits=wide, working_side=1_000)

    assert (image.scale, image.pixels.shape) == (0.25, (850, 1250, 3))


def test_a_reduced_photo_is_decoded_anew_at_the_scale_asked_for():
    small = decoded(saved(drawn(), "JPEG"), working_side=12)

    assert image_at_scale(small, scale=0.1, limits=LIMITS) is small
    assert image_at_scale(small, scale=0.3, limits=LIMITS).scale == 0.5
    assert image_at_scale(small, scale=7.0, limits=LIMITS).scale == 1.0


def test_a_reduced_photo_with_an_orientation_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(drawn()).transpose(Image.Transpose.ROTATE_90)

    image = decoded(saved(lying, "JPEG", exif=exif), working_side=24)

    assert image.pixels.shape == (16, 24, 3)
    assert near(corners(image.pixels), CORNERS)


def test_an_empty_file_is_refused():
    with pytest.raises(EmptyFile):
        decoded(b"")


@pytest.mark.parametrize("data", [b"\0", b"hello, world", b"%PDF-1.7\n" * 40, b"<svg></svg>"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(NotAnImage):
        decoded(data)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_truncated_photo_never_passes(kind, part):
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    data = saved(noise, kind)

    with pytest.raises((UnreadableImage, NotAnImage)):
        decoded(data[: int(len(data) * part)])


@pytest.mark.parametrize("side", [None, 12])
def test_a_truncated_jpeg_is_unreadable_at_any_scale(side):
    data = saved(drawn(), "JPEG")

    with pytest.raises(UnreadableImage):
        decoded(data[:-40], working_side=side)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (ImageLimits(max_bytes=100), "too_many_bytes"),
        (ImageLimits(max_pixels=6_143), "too_many_pixels"),
        (ImageLimits(max_side=95), "side_too_long"),
    ],
)
def test_each_limit_refuses_with_its_code(limits, code):
    with pytest.raises(ImageTooLarge) as refusal:
        decode_image(saved(drawn(), "PNG"), limits=limits)

    assert refusal.value.code == code


def test_a_limit_that_is_just_met_passes():
    data = saved(drawn(), "PNG")

    decode_image(data, limits=ImageLimits(max_bytes=len(data), max_pixels=6_144, max_side=96))


def test_a_bomb_is_refused_by_its_header():
    data = bytearray(saved(drawn(), "PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")

    with pytest.raises(ImageTooLarge):
        decoded(bytes(data))


def test_a_crop_comes_back_as_it_was_encoded():
    encoded = encode_crop(drawn())

    assert near(corners(cv2.imdecode(np.frombuffer(encoded, np.uint8), 1)[..., ::-1]), CORNERS)


WHOLE = {kind: saved(drawn(), kind) for kind in FORMATS}


@given(data=st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_random_bytes_raise_nothing_but_a_vision_error(data):
    with pytest.raises(VisionError):
        decoded(data)


@given(
    kind=st.sampled_from(FORMATS),
    keep=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    early=st.booleans(),
    side=st.sampled_from([None, 20]),
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_photos_raise_nothing_but_a_vision_error(kind, keep, flips, early, side):
    data = bytearray(WHOLE[kind][: 20 + int(len(WHOLE[kind]) * keep)])
    reach = min(len(data), 120) if early else len(data)  # headers are where the traps are
    for place, value in flips:
        data[int(place * reach)] = value

    try:
        image = decoded(bytes(data), working_side=side)
    except VisionError:
        return
    assert image.pixels.ndim == 3

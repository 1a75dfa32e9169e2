"""Face crops shown to reviewers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision import encode_crop, is_crop_intact
from vision.crops import CROP_MARGIN, CROP_SIDE, box_pixels, face_crop


def gradient(width, height):
    """Return a picture whose red tells the column and whose green tells the row, in shares."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = columns * 255 / max(width - 1, 1), rows * 255 / max(height - 1, 1)
    return np.stack([red, green, np.zeros_like(red)], axis=2).astype(np.uint8)


def test_the_crop_is_a_square_around_the_face_with_a_margin():
    crop = face_crop(gradient(500, 500), (200, 200, 100, 80))

    assert crop.shape == (160, 160, 3)
    assert crop[80, 80, :2].tolist() == pytest.approx([250 * 255 / 500, 240 * 255 / 500], abs=2)
    assert int(crop[0, -1, 0]) - int(crop[0, 0, 0]) == pytest.approx(160 * 255 / 500, abs=2)


def test_a_large_face_is_shrunk_to_the_largest_crop():
    crop = face_crop(gradient(1000, 1000), (200, 200, 600, 600))

    assert crop.shape == (CROP_SIDE, CROP_SIDE, 3)
    assert crop[128, 128, :2].tolist() == pytest.approx([127, 127], abs=2)


def test_near_the_edge_the_square_is_smaller_and_the_face_in_its_middle():
    crop = face_crop(gradient(100, 100), (4, 40, 20, 20))

    assert crop.shape == (28, 28, 3)
    assert crop[0, 0, 0] == 0
    assert crop[0, 14, 0] == pytest.approx(14 * 255 / 99, abs=2)
    assert crop[14, 0, 1] == pytest.approx(50 * 255 / 99, abs=3)


def test_at_the_edge_the_square_moves_and_shows_nothing_but_the_photo():
    crop = face_crop(gradient(100, 100), (0, 40, 20, 20))

    assert crop.shape == (23, 23, 3)
    assert crop[0, 0, 0] == 0
    assert crop[0, -1, 0] == pytest.approx(22 * 255 / 99, abs=2)
    assert crop[11, 0, 1] == pytest.approx(50 * 255 / 99, abs=3)


def test_a_face_that_fills_the_photo_gets_all_of_it():
    photo = gradient(150, 150)

    assert np.array_equal(face_crop(photo, (5, 2, 140, 147)), photo)


def test_what_lies_in_a_box_is_not_copied():
    photo = gradient(50, 40)

    shown = box_pixels(photo, (10, 5, 20, 10))

    assert shown.shape == (10, 20, 3)
    assert np.shares_memory(shown, photo)


place = st.floats(-3000, 3000)
side = st.floats(0, 4000)
extent = st.integers(1, 300)


@given(width=extent, height=extent, box=st.tuples(place, place, side, side))
@settings(deadline=None)
def test_any_box_gives_a_square_crop_and_at_least_a_pixel(width, height, box):
    photo = gradient(width, height)

    crop = face_crop(photo, box)

    assert crop.shape[0] == crop.shape[1] <= CROP_SIDE
    assert crop.shape[0] <= max(round(max(box[2:]) * CROP_MARGIN), 1)
    assert crop.dtype == np.uint8
    assert min(box_pixels(photo, box).shape) >= 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (lambda whole: whole, True),
        (lambda whole: b"", False),
        (lambda whole: whole[: len(whole) // 2], False),
        (lambda whole: whole[:-1], False),
        (lambda whole: b"\0" * len(whole), False),
        (lambda whole: whole[:20] + whole[-20:], False),
        (lambda whole: b"\xff\xd8\xff\xd9", False),
    ],
)
def test_a_crop_is_whole_from_its_first_byte_to_its_last(data, expected):
    assert is_crop_intact(data(encode_crop(gradient(256, 256)))) is expected

"""Boxes, suppression and letterboxes on small made-up numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.geometry import (
    box_iou,
    box_overlap,
    clip_box,
    letterbox,
    letterbox_shape,
    resize_picture,
    square_around,
    suppress_boxes,
)

side = st.floats(0.5, 500)
place = st.floats(-300, 300)
a_box = st.tuples(place, place, side, side)
sides = st.integers(1, 900)


def array(*boxes):
    return np.asarray(boxes, np.float32).reshape(-1, 4)


def test_iou_of_halves_and_disjoint_boxes():
    box, boxes = array((0, 0, 10, 10))[0], array((0, 0, 10, 10), (5, 0, 10, 10), (20, 20, 5, 5))

    assert box_iou(box, boxes).tolist() == pytest.approx([1, 1 / 3, 0])


def test_iou_of_empty_boxes_is_zero():
    assert box_iou(array((0, 0, 0, 0))[0], array((0, 0, 0, 0))).tolist() == [0]


@given(a_box, a_box)
def test_iou_is_the_same_from_both_sides_and_within_bounds(one, other):
    first, second = array(one), array(other)
    there, back = box_iou(first[0], second)[0], box_iou(second[0], first)[0]

    assert there == pytest.approx(back, abs=1e-4)
    assert 0 <= there <= 1.0001
    assert box_iou(first[0], first)[0] == pytest.approx(1, abs=1e-3)


def test_overlap_of_a_box_inside_another_is_whole():
    boxes = array((2, 2, 4, 4), (5, 0, 10, 10), (-9, -9, 99, 99), (20, 20, 5, 5), (0, 0, 0, 0))
    found = box_overlap(array((0, 0, 10, 10))[0], boxes)

    assert found.tolist() == pytest.approx([1, 0.5, 1, 0, 0])


def test_suppression_keeps_the_best_of_overlapping_boxes_and_the_disjoint_ones():
    boxes = array((1, 0, 10, 10), (0, 0, 10, 10), (50, 50, 10, 10), (0, 1, 10, 10))

    kept = suppress_boxes(boxes, np.float32([0.8, 0.9, 0.3, 0.7]), iou=0.5)

    assert kept.tolist() == [1, 2]


def test_suppression_of_nothing_is_nothing():
    assert suppress_boxes(array(), np.float32([]), iou=0.5).tolist() == []


@given(st.lists(st.tuples(a_box, st.floats(0, 1)), max_size=25), st.floats(0.1, 0.9))
def test_kept_boxes_are_disjoint_and_every_other_overlaps_a_better_one(found, iou):
    boxes, scores = array(*(box for box, _ in found)), np.float32([score for _, score in found])

    kept = suppress_boxes(boxes, scores, iou=iou).tolist()

    for rank, row in enumerate(kept):
        assert (box_iou(boxes[row], boxes[kept[:rank]]) <= iou).all()
    assert scores[kept].tolist() == sorted(scores[kept].tolist(), reverse=True)
    for row in set(range(len(found))) - set(kept):
        better = [other for other in kept if scores[other] >= scores[row]]
        assert box_iou(boxes[row], boxes[better]).max() > iou


@given(a_box, st.integers(1, 400), st.integers(1, 400))
def test_a_clipped_box_lies_in_the_picture(box, width, height):
    x, y, w, h = clip_box(box, width=width, height=height)

    assert min(x, y, w, h) >= 0
    assert x + w <= width + 1e-6
    assert y + h <= height + 1e-6


def test_a_box_inside_is_not_clipped():
    assert clip_box((1.5, 2, 3, 4), width=10, height=10) == (1.5, 2, 3, 4)


def test_a_square_keeps_the_centre():
    assert square_around((10, 20, 40, 20), margin=1.5) == (0, 0, 60, 60)


@given(sides, sides, st.sampled_from([(64, 64), (32, 96), (128, 64)]), st.sampled_from([0, 0.5]))
def test_the_letterbox_and_back_is_where_it_was(height, width, shape, border):
    boxed, lies = letterbox(
        np.zeros((height, width, 3), np.uint8),
        height=shape[0],
        width=shape[1],
        border=border,
        padding=9,
    )
    shown = np.asarray([[0, 0, width, height]], np.float64)
    inside = shown * (lies.scale_x, lies.scale_y, lies.scale_x, lies.scale_y)
    inside += (lies.x, lies.y, 0, 0)

    assert boxed.shape == (*shape, 3)
    assert np.allclose(lies.boxes_back(inside), shown, atol=1e-2)
    assert np.allclose(lies.points_back(inside[:, :2]), shown[:, :2], atol=1e-2)
    assert inside[0, 0] >= 0
    assert inside[0, 0] + inside[0, 2] <= shape[1] + 1e-3
    assert inside[0, 1] + inside[0, 3] <= shape[0] + 1e-3


def test_the_letterbox_pads_around_the_photo():
    boxed, lies = letterbox(np.full((20, 40, 3), 200, np.uint8), height=64, width=64, padding=114)

    assert (lies.x, lies.y, lies.scale_x, lies.scale_y) == (0, 16, 1.6, 1.6)
    assert (boxed[:16] == 114).all()
    assert (boxed[16:48] == 200).all()
    assert (boxed[48:] == 114).all()


def test_a_border_leaves_half_a_side_free_all_around():
    boxed, lies = letterbox(
        np.full((32, 32, 3), 200, np.uint8), height=64, width=64, border=0.5, padding=0
    )

    assert (lies.x, lies.y, lies.scale_x) == (16, 16, 1.0)
    assert (boxed > 0).any(axis=(1, 2)).nonzero()[0].tolist() == list(range(16, 48))


@given(sides, sides)
def test_a_free_shape_is_of_whole_strides_and_shows_the_photo(height, width):
    rows, columns = letterbox_shape(height, width, side=640, multiple=32)

    assert rows % 32 == columns % 32 == 0
    assert max(rows, columns) == 640
    assert rows * max(height, width) + 640 > 640 * height
    assert (rows - 32) * max(height, width) <= 640 * height


@pytest.mark.parametrize(("width", "height"), [(640, 480), (37, 300), (1000, 20), (1280, 960)])
def test_a_resized_picture_keeps_its_colours_in_their_places(width, height):
    rows, columns = np.mgrid[0:961, 0:1281]
    pixels = np.stack([columns // 6, rows // 4, 0 * rows], axis=2).astype(np.uint8)

    small = resize_picture(pixels, width, height)

    assert small.shape == (height, width, 3)
    across = small[height // 2, :, 0].astype(float)
    assert np.abs(across - (np.arange(width) + 0.5) / width * 1281 / 6).max() < 2
    down = small[:, width // 2, 1].astype(float)
    assert np.abs(down - (np.arange(height) + 0.5) / height * 961 / 4).max() < 2


@given(sides, sides, sides, sides)
@settings(deadline=None)
def test_any_picture_can_get_any_size(width, height, new_width, new_height):
    flat = np.full((height, width, 3), 77, np.uint8)

    assert resize_picture(flat, new_width, new_height).shape == (new_height, new_width, 3)
    assert (resize_picture(flat, new_width, new_height) == 77).all()


def test_shrinking_averages_instead_of_skipping():
    stripes = np.zeros((1300, 1300, 3), np.uint8)
    stripes[:, ::2] = 255

    assert np.abs(resize_picture(stripes, 640, 640).astype(int) - 127).max() <= 2

"""Crops for embedders: the transform is exact, and landmarks match the training template."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vision.alignment import (
    DLIB_TEMPLATE,
    DLIB_WEIGHTS,
    dlib_matrix,
    facenet_matrix,
    similarity_transform,
    warp_face,
)

coordinates = st.floats(-2000, 2000, allow_nan=False)
shapes_of_five = hnp.arrays(np.float64, (5, 2), elements=coordinates)
weights_of_five = hnp.arrays(np.float64, 5, elements=st.floats(0.05, 1))


def moved(matrix, points):
    return points @ matrix[:, :2].T + matrix[:, 2]


def spread(points):
    return float(np.abs(points - points.mean(axis=0)).max())


@given(
    points=shapes_of_five,
    weights=weights_of_five,
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.05, 20),
    shift=hnp.arrays(np.float64, 2, elements=coordinates),
)
def test_a_similarity_is_found_again(points, weights, angle, scale, shift):
    assume(spread(points) > 1)
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    target = points @ turn.T + shift

    matrix = similarity_transform(points, target, weights)

    np.testing.assert_allclose(moved(matrix, points), target, atol=1e-6 * max(1, np.ptp(target)))


@given(points=shapes_of_five, target=shapes_of_five, weights=weights_of_five)
def test_no_nearby_similarity_is_better(points, target, weights):
    assume(spread(points) > 1)
    matrix = similarity_transform(points, target, weights)
    assume(matrix is not None)

    def loss(candidate):
        return float(weights @ np.sum((moved(candidate, points) - target) ** 2, axis=1))

    best = loss(matrix)

    for column, row_sign in ((0, 1), (1, -1)):
        for step in (1e-3, -1e-3):
            other = matrix.copy()
            other[0, column] += step
            other[1, 1 - column] += row_sign * step
            assert loss(other) >= best - 1e-6 * max(1, best)
    for step in ([1, 0], [-1, 0], [0, 1], [0, -1]):
        other = matrix.copy()
        other[:, 2] += step
        assert loss(other) >= best - 1e-6 * max(1, best)


@given(points=shapes_of_five, target=shapes_of_five)
def test_the_transform_never_reflects(points, target):
    matrix = similarity_transform(points, target, np.ones(5))

    assert matrix is None or np.linalg.det(matrix[:, :2]) > 0


def test_points_on_one_spot_have_no_transform():
    assert similarity_transform(np.full((5, 2), 7.0), DLIB_TEMPLATE, DLIB_WEIGHTS) is None


def test_a_heavier_point_lands_nearer():
    points = DLIB_TEMPLATE + np.array([[0, 0], [0, 0], [9, 0], [0, 0], [0, 0]])
    heavy = np.array([0.1, 0.1, 5.0, 0.1, 0.1])

    even = moved(similarity_transform(points, DLIB_TEMPLATE, np.ones(5)), points)
    nosed = moved(similarity_transform(points, DLIB_TEMPLATE, heavy), points)

    def miss(found):
        return np.linalg.norm((found - DLIB_TEMPLATE)[2])

    assert miss(nosed) < miss(even) / 4


def test_landmarks_on_the_template_leave_the_crop_as_it_is():
    crop = drawn((150, 150))

    aligned = warp_face(crop, dlib_matrix((20, 20, 110, 110), DLIB_TEMPLATE), 150)

    np.testing.assert_array_equal(aligned, crop)


def test_landmarks_on_one_spot_fall_back_to_the_box():
    box = (10.0, 20.0, 80.0, 100.0)

    with_points = dlib_matrix(box, np.full((5, 2), 40.0))

    np.testing.assert_allclose(with_points, dlib_matrix(box, None))


@pytest.mark.parametrize("scale", [0.05, 0.2, 0.45, 1.0, 3.0])
def test_a_point_is_mapped_by_the_transform(scale):
    pixels = np.zeros((1200, 1600, 3), np.uint8)
    radius = 6 / scale
    centre = np.array([800.0, 600.0])
    rows, columns = np.mgrid[:1200, :1600] + 0.5
    pixels[np.hypot(columns - centre[0], rows - centre[1]) < radius] = 255
    matrix = np.array([[scale, 0, 60 - scale * centre[0]], [0, scale, 90 - scale * centre[1]]])

    crop = warp_face(pixels, matrix, 150).astype(float)[..., 0]

    rows, columns = np.mgrid[:150, :150] + 0.5
    found = (np.sum(columns * crop) / crop.sum(), np.sum(rows * crop) / crop.sum())
    assert found == pytest.approx((60, 90), abs=0.15)


def test_fine_stripes_shrink_to_grey():
    pixels = np.zeros((1500, 1500, 3), np.uint8)
    pixels[:, ::2] = 255

    crop = warp_face(pixels, np.array([[0.11, 0, 0.3], [0, 0.11, 0.3]]), 140)

    inner = crop[3:-3, 3:-3].astype(int)  # the photo's own edge fades into black
    assert abs(inner - 127).max() <= 4


def test_a_face_beyond_the_photo_is_black_there():
    white = np.full((100, 100, 3), 255, np.uint8)

    crop = warp_face(white, np.array([[1.0, 0, 75], [0, 1.0, 0]]), 150)

    assert crop[50, 20].tolist() == [0, 0, 0]
    assert crop[50, 120].tolist() == [255, 255, 255]


def test_a_transform_outside_the_photo_still_gives_a_crop():
    crop = warp_face(drawn((40, 40)), np.array([[1.0, 0, 5000], [0, 1.0, 5000]]), 150)

    assert crop.shape == (150, 150, 3)


def test_facenet_sees_a_tenth_of_the_box_around_it():
    matrix = facenet_matrix((100, 200, 50, 80), None, side=160)

    corners = moved(matrix, np.array([[95, 192], [155, 288]]))

    np.testing.assert_allclose(corners, [[0, 0], [160, 160]])


@pytest.mark.parametrize("angle", [-40, 15, 90])
def test_facenet_sees_level_eyes(angle):
    turn = math.radians(angle)
    step = 20 * np.array([math.cos(turn), math.sin(turn)])
    centre = np.array([300.0, 300.0])
    landmarks = np.array([centre - step, centre + step, centre, centre, centre])

    left, right = moved(facenet_matrix((260, 250, 80, 100), landmarks, side=160), landmarks)[:2]

    assert left[1] == pytest.approx(right[1])
    assert left[0] < right[0]


def test_eyes_of_a_profile_do_not_tip_the_face():
    landmarks = np.array([[300.0, 300], [301, 306], [310, 320], [300, 340], [301, 341]])

    matrix = facenet_matrix((260, 250, 80, 100), landmarks, side=160)

    np.testing.assert_allclose(matrix, facenet_matrix((260, 250, 80, 100), None, side=160))


def drawn(shape):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    channels = [(3 * columns + rows) % 256, (columns * 2) % 256, (rows * 5) % 256]
    return np.stack(channels, axis=-1).astype(np.uint8)

"""Face quality, on drawn faces and synthetic numbers."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.quality import (
    FaceQuality,
    QualityThresholds,
    face_blur,
    face_pose,
    face_quality,
    face_score,
    rejection_reason,
)

THRESHOLDS = QualityThresholds(min_face_size=30, min_confidence=0.4, blur_threshold=50)
FRONTAL = np.float32([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]])


def quality(size=30, confidence=0.4, blur=50):
    return FaceQuality(size=size, confidence=confidence, blur=blur, pose=1.0, score=0.5)


def drawn_face(side=128):
    """Return an oval face with eyes, nose and mouth on a grey background."""
    face = np.full((side, side, 3), 90, np.uint8)

    def oval(x, y, rx, ry, colour):
        at, radii = (int(x * side), int(y * side)), (int(rx * side), int(ry * side))
        cv2.ellipse(face, at, radii, 0, 0, 360, colour, -1, cv2.LINE_AA)

    oval(0.5, 0.5, 0.4, 0.48, (220, 180, 160))
    oval(0.33, 0.4, 0.09, 0.05, (30, 20, 20))
    oval(0.67, 0.4, 0.09, 0.05, (30, 20, 20))
    oval(0.5, 0.58, 0.05, 0.1, (170, 120, 110))
    oval(0.5, 0.78, 0.15, 0.04, (150, 30, 40))
    return face


def test_a_face_that_just_meets_every_threshold_is_kept():
    assert rejection_reason(quality(), THRESHOLDS) is None


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"size": 29.9}, "too_small"),
        ({"confidence": 0.39}, "low_confidence"),
        ({"blur": 49.9}, "too_blurry"),
        ({"blur": float("nan")}, "too_blurry"),
    ],
)
def test_a_face_below_one_threshold_is_refused_for_it(part, reason):
    assert rejection_reason(quality(**part), THRESHOLDS) == reason


def test_the_size_is_judged_before_the_blur():
    assert rejection_reason(quality(size=5, confidence=0.1, blur=1), THRESHOLDS) == "too_small"


def test_blurring_a_face_lowers_its_number_past_the_default():
    face = drawn_face()
    softer = [face_blur(cv2.GaussianBlur(face, (0, 0), 128 * part)) for part in (0.01, 0.02, 0.04)]

    assert face_blur(face) > softer[0] > softer[1] > softer[2]
    assert face_blur(face) > 2 * QualityThresholds().blur_threshold
    assert softer[2] < QualityThresholds().blur_threshold


@pytest.mark.parametrize("side", [96, 256, 600])
def test_blur_is_independent_of_resolution(side):
    assert face_blur(drawn_face(side)) == pytest.approx(face_blur(drawn_face(128)), rel=0.35)


def test_nothing_is_not_sharp():
    assert face_blur(np.zeros((0, 5, 3), np.uint8)) == 0
    assert face_blur(np.full((9, 9, 3), 77, np.uint8)) == 0


def test_pose_falls_as_the_nose_leaves_the_middle():
    def turned(nose_x):
        points = FRONTAL.copy()
        points[2, 0] = nose_x
        return face_pose(points)

    assert [turned(x) for x in (50, 60, 40, 70, 95)] == pytest.approx([1, 0.5, 0.5, 0, 0])


@given(st.floats(-180, 180), st.floats(0.1, 20))
def test_pose_is_independent_of_tilt_and_size(angle, scale):
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = FRONTAL.astype(np.float64)
    points[2, 0] = 58

    assert face_pose((points * scale @ matrix.T).astype(np.float32)) == pytest.approx(0.6, abs=1e-3)


def test_a_face_without_landmarks_is_taken_as_frontal_and_one_without_eyes_is_not():
    assert face_pose(None) == 1.0
    assert face_pose(np.zeros((5, 2), np.float32)) == 0.0


part = st.floats(0, 1)


@given(st.floats(0, 3000), part, st.floats(0, 9000), part)
def test_the_score_lies_between_zero_and_one(size, confidence, blur, pose):
    assert 0 <= face_score(size=size, confidence=confidence, blur=blur, pose=pose) <= 1


@pytest.mark.parametrize(
    "better", [{"size": 90}, {"confidence": 0.9}, {"blur": 400}, {"pose": 0.9}]
)
def test_the_score_grows_with_each_part(better):
    parts = {"size": 60, "confidence": 0.5, "blur": 100, "pose": 0.5}

    assert face_score(**(parts | better)) > face_score(**parts)


def test_a_face_is_measured_as_a_whole():
    face = drawn_face()

    measured = face_quality(face, size=80, confidence=0.7, landmarks=FRONTAL)

    assert (measured.size, measured.confidence, measured.pose) == (80, 0.7, 1.0)
    assert measured.blur == face_blur(face)
    assert measured.score == face_score(size=80, confidence=0.7, blur=measured.blur, pose=1.0)


@pytest.mark.parametrize(
    ("parts", "product"),
    [
        ({}, 0.5),
        ({"size": 56}, 0.25),
        ({"size": 1000}, 0.5),
        ({"confidence": 0.5}, 0.25),
        ({"confidence": 1.5}, 0.5),
        ({"confidence": -1}, 0),
        ({"blur": 50}, 0.25),
        ({"blur": 0}, 0),
        ({"pose": 0}, 0.25),
        ({"pose": 0.5}, 0.375),
    ],
)
def test_the_score_is_the_geometric_mean_of_its_four_parts(parts, product):
    full = {"size": 112, "confidence": 1.0, "blur": 150, "pose": 1.0}

    assert face_score(**(full | parts)) == pytest.approx(product**0.25)


@pytest.mark.parametrize(
    ("part", "least", "reason"),
    [
        ("size", 30, "too_small"),
        ("confidence", 0.4, "low_confidence"),
        ("blur", 50, "too_blurry"),
    ],
)
def test_each_threshold_is_inclusive_and_judged_by_itself(part, least, reason):
    better = {"size": 300, "confidence": 0.9, "blur": 500}

    assert rejection_reason(quality(**(better | {part: least})), THRESHOLDS) is None
    assert (
        rejection_reason(quality(**(better | {part: np.nextafter(least, 0)})), THRESHOLDS) == reason
    )
    assert rejection_reason(quality(**(better | {part: float("nan")})), THRESHOLDS) == reason


def test_a_small_face_is_not_made_sharper_by_enlarging_it():
    small, large = drawn_face(32), drawn_face(64)

    assert 0 < face_blur(small) < face_blur(large)


def test_the_blur_of_a_known_picture():
    """A white line on black: 4 * 255 on the line, -255 beside it, 0 elsewhere."""
    face = np.zeros((64, 64, 3), np.uint8)
    face[:, 32] = 255
    rows = np.zeros((64, 64))
    rows[:, 32], rows[:, [31, 33]] = -2 * 255, 255

    assert face_blur(face) == pytest.approx(rows.var(), rel=1e-6)

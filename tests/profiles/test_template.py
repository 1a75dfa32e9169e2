"""Templates: one vector per person."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from profiles.gallery import mean_template

COORDINATES = st.floats(-1, 1, width=32)
QUALITIES = st.floats(0, 1, width=32)


@st.composite
def references(draw):
    """Draw unit vectors and their qualities."""
    shape = draw(st.integers(1, 8)), draw(st.integers(2, 6))
    vectors = draw(arrays(np.float32, shape, elements=COORDINATES))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    first = np.eye(shape[1], dtype=np.float32)[0]
    vectors = np.where(lengths > 1e-3, vectors / np.maximum(lengths, 1e-3), first)
    return vectors.astype(np.float32), draw(arrays(np.float32, shape[0], elements=QUALITIES))


@given(references())
def test_a_template_is_a_finite_unit_vector(given):
    template = mean_template(*given)

    assert template.dtype == np.float32
    assert np.isfinite(template).all()
    assert abs(np.linalg.norm(template) - 1) < 1e-5


@given(references(), st.floats(0.125, 8, width=32))
def test_qualities_count_by_their_proportions(given, factor):
    vectors, quality = given
    quality = np.maximum(quality, np.float32(0.125))
    if np.linalg.norm(quality @ vectors / quality.sum()) < 0.01:
        return

    scaled = mean_template(vectors, (quality * factor).astype(np.float32))

    np.testing.assert_allclose(scaled, mean_template(vectors, quality), atol=1e-4)


@given(references(), st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_count(given, random):
    vectors, quality = given
    if quality.sum() < 0.01 or np.linalg.norm(quality @ vectors / quality.sum()) < 0.01:
        return
    order = list(range(len(vectors)))
    random.shuffle(order)

    shuffled = mean_template(vectors[order], quality[order])

    np.testing.assert_allclose(shuffled, mean_template(vectors, quality), atol=1e-4)


def test_a_better_photo_weighs_more():
    vectors = np.eye(2, dtype=np.float32)

    template = mean_template(vectors, np.array([0.9, 0.3], np.float32))

    np.testing.assert_allclose(template, np.array([0.9, 0.3]) / np.hypot(0.9, 0.3), atol=1e-6)


def test_photos_without_quality_count_alike():
    template = mean_template(np.eye(2, dtype=np.float32), np.zeros(2, np.float32))

    np.testing.assert_allclose(template, [0.5**0.5] * 2, atol=1e-6)


def test_vectors_that_cancel_out_leave_the_best():
    vectors = np.array([[1, 0], [-1, 0]], np.float32)

    assert mean_template(vectors, np.array([0.5, 0.5], np.float32)).tolist() in ([1, 0], [-1, 0])

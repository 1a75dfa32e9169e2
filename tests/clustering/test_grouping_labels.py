import numpy as np
import pytest

from benchmarks.labels import b_cubed, pairwise


def test_pairs_are_counted_together_and_rightly_so():
    people, found = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])

    agreement = pairwise(people, found)

    assert (agreement.precision, agreement.recall) == (0.5, 0.5)


def test_b_cubed_averages_over_faces():
    people, found = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])

    agreement = b_cubed(people, found)

    assert agreement.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert agreement.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


def test_each_noise_face_is_a_person_of_its_own():
    agreement = pairwise(np.array([0, 0, 1, 2]), np.array([-1, -1, -1, -1]))

    assert (agreement.precision, agreement.recall, agreement.f1) == (1.0, 0.0, 0.0)


def test_nothing_to_group_is_no_error():
    nothing = np.empty(0, dtype=np.int64)

    assert pairwise(nothing, nothing).f1 == 1.0
    assert b_cubed(nothing, nothing).precision == 0.0

"""Which face of an image stays in a group, and what the other groups have to do with it."""

import numpy as np
import pytest

from clustering.grouping import Constraints
from clustering.grouping.baseline import repair_labels
from clustering.grouping.cannot_link import CannotLink
from clustering.grouping.repair import enforce_one_per_image

EPS = 0.1
NEAR, FAR = 4, 5  # two faces of one image in the middle group


def at(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def three_groups():
    """The far face is as near to the first and the last group as the near one is to its own."""
    vectors = at(88, 90, 0, 2, 10, 60, 80, 92)
    labels = np.array([0, 0, 1, 1, 1, 1, 2, 2])
    images = np.array([0, 1, 2, 3, 9, 9, 6, 7])
    return vectors, labels, images


def repaired(vectors, labels, **constraints):
    cannot_link = CannotLink(vectors, Constraints(**constraints), eps=EPS)
    return enforce_one_per_image(vectors, labels, cannot_link).tolist()


def test_the_face_that_is_more_similar_to_its_group_stays(three_groups):
    vectors, labels, images = three_groups

    left = repaired(vectors, labels, images=images)

    assert left[:FAR] == [0, 0, 1, 1, 1]
    assert left[FAR] not in (0, 1, 2)
    assert left[FAR + 1 :] == [2, 2]


def test_a_face_that_a_reviewer_confirmed_stays_instead_of_a_more_similar_one(three_groups):
    vectors, labels, images = three_groups
    anchors = np.full(8, -1)
    anchors[FAR] = 0

    left = repaired(vectors, labels, images=images, anchors=anchors)

    assert left[FAR] == 1
    assert left[NEAR] not in (0, 1, 2)


def test_faces_that_must_stay_together_go_together(three_groups):
    """The pair resembles the group more than the single face of the same image."""
    vectors, labels, images = three_groups

    left = repaired(vectors, labels, images=images, must_link=np.array([[FAR, 2]]))

    assert left[FAR] == left[2] == 1
    assert left[NEAR] not in (0, 1, 2)


def test_without_a_conflict_the_labels_stay(three_groups):
    vectors, labels, _ = three_groups

    assert repaired(vectors, labels, images=np.arange(8)) == labels.tolist()


def test_faces_that_must_be_together_come_to_the_group_with_most_of_them():
    vectors = at(0, 1, 2, 90, 91, 45)
    labels = np.array([1, 1, 1, 0, 0, -1])
    must_link = np.array([[3, 0], [0, 1]])
    cannot_link = CannotLink(vectors, Constraints(must_link=must_link), eps=EPS)

    found = repair_labels(vectors, np.ones(6, np.float32), labels, cannot_link=cannot_link)

    assert found.tolist() == [1, 1, 1, 1, 0, -1]

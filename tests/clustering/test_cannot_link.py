"""Which pairs of rows and groups must stay apart, by image, by person and by decision."""

import numpy as np

from clustering.grouping import Constraints
from clustering.grouping.cannot_link import CannotLink

EPS = 0.1


def at(*degrees):
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_two_faces_of_an_image_are_apart_unless_they_are_copies_or_allowed():
    vectors = at(0, 1, 40, 41, 40, 2)
    images = np.array([5, 5, 5, 5, 7, -1])
    constraints = Constraints(images=images, same_image_allowed=np.array([[3, 0]]))
    first, second = np.array([(0, 1), (0, 2), (0, 3), (2, 3), (2, 4), (1, 5), (1, 3), (1, 2)]).T

    refused = CannotLink(vectors, constraints, eps=EPS).is_refused(first, second)

    assert refused.tolist() == [False, True, False, False, False, False, True, True]


def test_an_image_counts_as_a_clash_once_if_any_two_of_its_faces_differ():
    vectors = at(0, 1, 0, 40, 0, 40, 0, 1)
    images = np.array([5, 5, 5, 5, 7, 7, 9, 9])
    must_link = np.array([(0, 2), (2, 4), (4, 6), (1, 3), (3, 5), (5, 7)])

    cannot_link = CannotLink(vectors, Constraints(images=images, must_link=must_link), eps=EPS)

    assert cannot_link.clashes(0, 1) == cannot_link.clashes(1, 0) == 2


def test_persons_singletons_and_pairs_are_refused_in_either_order():
    vectors = at(0, 1, 2, 3, 4, 5)
    constraints = Constraints(
        anchors=np.array([-1, 0, 0, 4, -1, -1]),
        singletons=np.array([4]),
        cannot_link=np.array([[5, 1]]),
    )
    cannot_link = CannotLink(vectors, constraints, eps=EPS)
    apart = {(1, 3), (2, 3), (1, 5), (2, 5)} | {(row, 4) for row in (0, 1, 2, 3, 5)}

    for one in range(6):
        for other in {*range(6)} - {one}:
            expected = (one, other) in apart or (other, one) in apart
            refused = cannot_link.is_refused(np.array([one]), np.array([other]))
            assert refused.tolist() == [expected]
            if {one, other} != {1, 2} and 2 not in (one, other):
                assert cannot_link.between(one, other) == expected


def test_a_merged_group_has_the_relations_of_both():
    vectors = at(0, 1, 2, 3, 40)
    constraints = Constraints(
        anchors=np.array([-1, 7, 8, -1, -1]),
        cannot_link=np.array([[0, 3]]),
        images=np.array([-1, 2, -1, -1, 2]),
    )
    cannot_link = CannotLink(vectors, constraints, eps=EPS)
    assert not cannot_link.between(1, 3)

    cannot_link.join(1, 0)

    assert cannot_link.between(1, 3)
    assert cannot_link.between(3, 1)
    assert cannot_link.between(1, 2)
    assert cannot_link.clashes(1, 4) == 1
    cannot_link.join(4, 1)
    assert cannot_link.between(4, 2)
    assert cannot_link.between(4, 3)

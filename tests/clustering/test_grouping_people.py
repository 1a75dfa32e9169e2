"""Two people that decisions name, told apart wherever their rows are, and however alike."""

import numpy as np
import pytest

from clustering.grouping import Constraints, Contradiction, check_constraints, group_faces
from tests.clustering.test_grouping_constraints import EPS, both_ways, pairs, two_lookalikes
from tests.clustering.test_grouping_dbscan import unit


def test_two_people_who_cannot_be_one_are_told_by_their_nearest_faces():
    anchors = np.array([8, -1, 8, 5, 5])

    with pytest.raises(Contradiction) as refused:
        check_constraints(5, pairs([0, 1], [1, 4]), pairs(), anchors=anchors)

    assert refused.value.cannot_link == (0, 4)
    assert refused.value.chain == [(0, 1), (1, 4)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (0, 2, 3, 1)])
def test_two_people_cannot_be_one_wherever_their_rows_are(order):
    anchors, must_link = np.empty(4, np.int64), np.array([[order[2], order[3]]])
    anchors[list(order)] = [3, 3, 5, 6]

    with pytest.raises(Contradiction) as refused:
        check_constraints(4, must_link, pairs(), anchors=anchors)

    assert {*refused.value.cannot_link} == {order[2], order[3]}


@both_ways
@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (7, 0)])
def test_photos_of_two_people_that_are_alike_stay_apart(algorithm, refine, numbers):
    vectors = unit(1 + 0.05 * np.random.default_rng(1).standard_normal((12, 64)))
    one, other = numbers
    anchors = np.array([one] * 4 + [-1] * 4 + [other] * 4)
    decided = Constraints(anchors=anchors)

    labels = group_faces(
        vectors, eps=EPS, min_samples=2, algorithm=algorithm, refine=refine, constraints=decided
    ).labels

    assert len({*labels[:4]}) == len({*labels[8:]}) == 1
    assert -1 < labels[0] != labels[8] > -1
    assert {*labels[4:8]} <= {labels[0], labels[8], -1}
    assert decided.people(12).tolist() == anchors.tolist()


@pytest.mark.parametrize(("shared", "groups"), [(5, 1), (6, 2)])
def test_people_who_share_up_to_a_quarter_of_their_pictures_may_be_one(shared, groups):
    images = np.concatenate([np.arange(20), np.arange(shared), np.arange(20, 40 - shared)])

    labels = group_faces(
        two_lookalikes(20), eps=0.1, min_samples=2, constraints=Constraints(images=images)
    ).labels

    assert len({*labels.tolist()} - {-1}) == groups
    assert np.count_nonzero(labels < 0) == (shared if groups == 1 else 0)


@pytest.mark.parametrize(("shared", "groups"), [(2, 1), (3, 2)])
def test_the_smaller_group_decides_how_many_pictures_may_show_both(shared, groups):
    images = np.concatenate([np.arange(20), np.arange(shared), np.arange(20, 28 - shared)])

    labels = group_faces(
        two_lookalikes(20)[:28], eps=0.1, min_samples=2, constraints=Constraints(images=images)
    ).labels

    assert len({*labels.tolist()} - {-1}) == groups


@pytest.mark.parametrize(("distance", "labels"), [(0.074, [0, 0]), (0.076, [-1, -1])])
def test_two_single_faces_must_be_a_quarter_nearer_than_eps(distance, labels):
    angles = np.array([0, np.arccos(1 - distance)])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    assert group_faces(vectors, eps=0.1, min_samples=2).labels.tolist() == labels

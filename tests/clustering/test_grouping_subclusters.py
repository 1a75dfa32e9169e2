"""A person with two subclusters, and an outlier that a reviewer put into a cluster."""

import numpy as np
import pytest

from clustering.grouping import Constraints, group_faces
from clustering.grouping.neighbour_pairs import find_neighbour_pairs
from clustering.grouping.subclusters import find_subclusters

EPS = 0.085


def subclusters(*counts, spread=0.02, dimension=128):
    """Return rows around as many directions as there are counts."""
    maker = np.random.default_rng(7)
    rows = []
    for count in counts:
        middle = maker.normal(size=dimension)
        near = middle / np.linalg.norm(middle) + spread * maker.normal(size=(count, dimension))
        rows.append(near / np.linalg.norm(near, axis=1, keepdims=True))
    return np.concatenate(rows).astype(np.float32)


def grouped(vectors, anchors, **more):
    constraints = Constraints(anchors=np.asarray(anchors, np.int64), **more)
    return group_faces(vectors, eps=EPS, min_samples=2, constraints=constraints).labels.tolist()


def test_new_faces_of_either_look_come_to_the_person():
    labels = grouped(subclusters(11, 11), [0] * 10 + [-1] + [0] * 10 + [-1])

    assert set(labels) == {0}


def test_an_outlier_does_not_split_a_person():
    labels = grouped(subclusters(9, 1), [0] * 3 + [-1] * 6 + [0])

    assert set(labels) == {0}


def test_a_rejected_face_keeps_away_from_every_subcluster():
    """The cannot-link has a face of one subcluster; the rejected face is similar to the other."""
    labels = grouped(subclusters(5, 6), [0] * 10 + [-1], cannot_link=np.array([[10, 0]]))

    assert labels[:10] == [0] * 10
    assert labels[10] == -1


def test_two_people_never_meet_over_a_look_that_both_have():
    labels = grouped(subclusters(5, 5, 5), [0] * 5 + [0, 0, 1, 1, -1] + [1] * 5)

    assert len({*labels[:7]}) == 1
    assert len({labels[7], labels[8], *labels[10:]}) == 1
    assert labels[0] != labels[10]


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
def test_subclusters_are_merged_with_every_algorithm(algorithm):
    vectors, constraints = subclusters(6, 6), Constraints(anchors=np.zeros(12, np.int64))

    found = group_faces(
        vectors, eps=EPS, min_samples=2, algorithm=algorithm, constraints=constraints
    )

    assert set(found.labels.tolist()) == {0}


def found_subclusters(vectors, **constraints):
    return find_subclusters(
        vectors,
        np.ones(len(vectors), np.float32),
        find_neighbour_pairs(vectors, radius=EPS),
        Constraints(**constraints),
        eps=EPS,
        pair_penalty=EPS / 4,
    ).tolist()


@pytest.mark.parametrize("number", [0, 3])
def test_a_person_with_two_appearances_has_two_subclusters(number):
    """Faces without a decision are before, between and after those of the person."""
    vectors = subclusters(4, 5, 3)
    anchors = [-1, number, number, -1, number, -1, number, number, number, -1, -1, -1]

    found = found_subclusters(vectors, anchors=np.array(anchors))

    assert found == [0, 1, 1, 3, 4, 5, 4, 4, 4, 9, 10, 11]


def test_two_people_of_one_appearance_share_no_subcluster():
    found = found_subclusters(subclusters(4), anchors=np.array([0, 1, 0, 1]))

    assert found == [0, 1, 0, 1]


@pytest.mark.parametrize("pair", [(1, 4), (2, 5)])
def test_faces_that_must_be_together_share_a_subcluster_however_different(pair):
    found = found_subclusters(
        subclusters(3, 3), anchors=np.array([-1, 0, 0, -1, 0, 0]), must_link=np.array([pair])
    )

    assert found[pair[0]] == found[pair[1]]


def test_faces_before_those_of_the_person_come_to_the_person_too():
    assert set(grouped(subclusters(11), [-1] * 3 + [5] * 8)) == {0}

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.labels import b_cubed, pairwise
from clustering.grouping import Constraints, dbscan_labels, describe_grouping, group_faces
from clustering.grouping.neighbour_pairs import find_neighbour_pairs, list_pairs
from tests.clustering.test_grouping_dbscan import people, unit

EPS = 0.08
DATA = Path(os.environ.get("FACEADMIN_TEST_DATA", Path(__file__).parents[3] / "shared"))
THOUSANDS = DATA / "vectors" / "thousands.npz"


def same_partition(one, other):
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(one.tolist()))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 120))
def test_the_order_of_faces_does_not_matter(seed, count):
    vectors = people(seed, count=count, spread=0.35)
    order = np.random.default_rng(seed).permutation(count)

    labels = group_faces(vectors, eps=EPS, min_samples=2).labels
    shuffled = group_faces(vectors[order], eps=EPS, min_samples=2).labels

    noise = labels < 0
    assert (noise[order] == (shuffled < 0)).all()
    assert same_partition(labels[order], shuffled)
    assert same_partition(shuffled, labels[order])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 120),
    min_samples=st.integers(2, 5),
    algorithm=st.sampled_from(["dbscan", "hdbscan"]),
    refine=st.booleans(),
)
def test_groups_are_largest_first_and_never_too_small(seed, count, min_samples, algorithm, refine):
    vectors = people(seed, count=count, spread=0.35).reshape(count, 16)

    grouping = group_faces(
        vectors, eps=EPS, min_samples=min_samples, algorithm=algorithm, refine=refine
    )

    sizes = np.bincount(grouping.labels[grouping.labels >= 0])
    assert (np.diff(sizes) <= 0).all()
    assert (sizes >= min_samples).all()
    assert len(sizes) == len(grouping.covers) == len(grouping.cohesion) == len(grouping.centroids)
    np.testing.assert_array_equal(grouping.labels[grouping.covers], np.arange(len(sizes)))


def test_equal_input_gives_equal_groups():
    vectors = people(3, count=300, spread=0.4)

    one, other = (group_faces(vectors, eps=EPS, min_samples=2) for _ in range(2))

    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.similarity, other.similarity)


def test_a_chain_of_faces_is_not_one_person():
    angles = np.arange(40) * 0.1
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    plain = dbscan_labels(vectors, eps=EPS, min_samples=2)
    refined = group_faces(vectors, eps=EPS, min_samples=2).labels

    assert set(plain.tolist()) == {0}
    for label in range(refined.max() + 1):
        assert np.ptp(angles[refined == label]) < 1.0


@pytest.mark.parametrize("count", [0, 1, 2, 10, 300])
def test_strangers_are_all_noise(count):
    vectors = unit(np.random.default_rng(1).standard_normal((count, 64)))

    grouping = group_faces(vectors, eps=EPS, min_samples=2)

    assert (grouping.labels == -1).all()
    assert (grouping.similarity == 0).all()


@pytest.mark.parametrize("count", [2, 10, 300])
def test_one_person_is_one_group(count):
    noise = 0.15 * np.random.default_rng(1).standard_normal((count, 64))

    grouping = group_faces(unit(1 + noise), eps=EPS, min_samples=2)

    assert (grouping.labels == 0).all()


def test_hdbscan_finds_a_person_who_is_alone():
    vectors = unit(1 + 0.15 * np.random.default_rng(1).standard_normal((3, 64)))

    labels = group_faces(vectors, eps=EPS, min_samples=2, algorithm="hdbscan").labels

    assert (labels == 0).all()


def test_copies_of_one_photo_are_one_group_each():
    vectors = np.repeat(unit(np.random.default_rng(1).standard_normal((40, 64))), 3, axis=0)

    labels = group_faces(vectors, eps=EPS, min_samples=2).labels

    np.testing.assert_array_equal(labels, np.repeat(np.arange(40), 3))


def test_the_cover_is_typical_and_sharp():
    vectors = unit(np.array([[1, 0.02], [1, 0], [1, 0.01], [0, 1]]))

    plain = group_faces(vectors, eps=EPS, min_samples=2)
    judged = group_faces(vectors, eps=EPS, min_samples=2, quality=np.float32([0.9, 0.1, 0.1, 1]))

    assert plain.covers.tolist() == [2]
    assert judged.covers.tolist() == [0]
    assert plain.labels.tolist() == [0, 0, 0, -1]
    assert plain.similarity[3] == pytest.approx(0.01, abs=1e-3)


def test_blocks_and_bounds_leave_the_nearest_pairs_alone(monkeypatch):
    vectors = people(5, count=200, spread=0.2)
    whole = find_neighbour_pairs(vectors, radius=0.3, nearest=6)

    monkeypatch.setattr("clustering.grouping.neighbour_pairs._FEWEST_PAIRS_HELD", 1)
    bounded = find_neighbour_pairs(vectors, radius=0.3, nearest=6, block_rows=23)

    # Both ends keep what they had when the list was cut, so a bounded list may hold a few more.
    whole_pairs = set(zip(whole.first.tolist(), whole.second.tolist(), strict=True))
    assert whole_pairs <= set(zip(bounded.first.tolist(), bounded.second.tolist(), strict=True))
    assert len(bounded.first) <= 200 * 6 * 2


@pytest.mark.skipif(not THOUSANDS.exists(), reason="The labelled vectors are not on this machine.")
@pytest.mark.parametrize(("eps", "allowed"), [(0.08, 0.0), (0.072, 0.02), (0.088, 0.02)])
def test_thousands_of_people_are_told_apart(eps, allowed):
    with np.load(THOUSANDS) as arrays:
        vectors, known = unit(arrays["vectors"].astype(np.float32)), arrays["identity"]

    labels = group_faces(vectors, eps=eps, min_samples=2).labels

    assert pairwise(known, labels).f1 >= 0.96 - allowed
    assert b_cubed(known, labels).f1 >= 0.945 - allowed


def listed(vectors, *, seen=1.0):
    """Return neighbours by a plain product, each seen with a probability, nearest last."""
    random = np.random.default_rng(0)

    def neighbours(*, radius, nearest):
        products = vectors @ vectors.T
        for row in random.permutation(len(vectors)):
            near = np.argsort(products[row])[-nearest - 1 :]
            near = near[
                (products[row, near] >= 1 - radius - 0.01) & (random.random(len(near)) < seen)
            ]
            yield int(row), near, products[row, near]

    return neighbours


def index_of(vectors, *, seen=1.0):
    return lambda _, radius: list_pairs(listed(vectors, seen=seen), radius=radius)


def test_an_index_that_finds_all_leads_to_the_same_groups():
    vectors = people(5, count=300, spread=0.3)
    exact = find_neighbour_pairs(vectors, radius=EPS)

    pairs = list_pairs(listed(vectors), radius=EPS)
    grouping = group_faces(vectors, eps=EPS, min_samples=2, candidates=index_of(vectors))

    np.testing.assert_array_equal(pairs.first, exact.first)
    np.testing.assert_array_equal(pairs.second, exact.second)
    np.testing.assert_allclose(pairs.similarity, exact.similarity, atol=1e-6)
    known = group_faces(vectors, eps=EPS, min_samples=2)
    np.testing.assert_array_equal(grouping.labels, known.labels)


def test_an_index_that_misses_some_breaks_no_constraint():
    vectors = people(5, count=300, spread=0.2)
    constraints = Constraints(
        must_link=np.array([[0, 299], [1, 298]]), cannot_link=np.array([[0, 1]])
    )

    labels = group_faces(
        vectors,
        eps=EPS,
        min_samples=2,
        candidates=index_of(vectors, seen=0.5),
        constraints=constraints,
    ).labels

    assert labels[0] == labels[299] != labels[1] == labels[298]


def test_an_index_without_faces_names_no_pairs():
    pairs = list_pairs(lambda *, radius, nearest: iter(()), radius=EPS)

    assert len(pairs.first) == 0


def test_groups_are_described_by_the_mean_of_their_faces():
    angles = np.radians([0, 4, 8, 90, 94, 45, 120])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = np.array([0, 0, 0, 1, 1, -1, -1])

    quality = np.float32([0.9, 0.9, 0.9, 0.9, 0.5, 1, 1])

    found = describe_grouping(vectors, labels, quality)

    middles = np.radians([4, 92])
    towards = np.stack([np.cos(middles), np.sin(middles)], axis=1)
    np.testing.assert_allclose(found.centroids, towards, atol=1e-6)
    cannot_link = np.radians([4, 0, 4, 2, 2, 41, 28])  # noise is measured to the nearest group
    np.testing.assert_allclose(found.similarity, np.cos(cannot_link), atol=1e-6)
    alike = [np.cos(cannot_link[:3]).mean(), np.cos(cannot_link[3:5]).mean()]
    np.testing.assert_allclose(found.cohesion, alike, atol=1e-6)
    assert found.covers.tolist() == [1, 3]


def test_a_group_of_one_face_is_as_alike_as_can_be():
    vectors = np.eye(3, dtype=np.float32)
    labels = np.array([-1, 0, -1])

    found = describe_grouping(vectors, labels, np.ones(3, np.float32))

    assert found.cohesion.tolist() == found.similarity[1:2].tolist() == [1.0]
    assert found.covers.tolist() == [1]
    assert found.similarity.tolist() == [0.0, 1.0, 0.0]


def test_faces_without_a_group_are_described_as_nothing():
    found = describe_grouping(np.eye(3, dtype=np.float32), np.full(3, -1), np.ones(3, np.float32))

    assert found.similarity.tolist() == [0, 0, 0]
    assert len(found.cohesion) == len(found.centroids) == len(found.covers) == 0


@pytest.mark.parametrize(("count", "is_group"), [(2, False), (3, True), (4, True)])
@pytest.mark.parametrize("refine", [True, False])
def test_a_group_has_at_least_as_many_faces_as_asked(count, is_group, refine):
    same = unit(1 + 0.01 * np.random.default_rng(1).standard_normal((count, 64)))
    strangers = unit(np.random.default_rng(2).standard_normal((5, 64)))

    labels = group_faces(
        np.concatenate([same, strangers]), eps=EPS, min_samples=3, refine=refine
    ).labels

    assert labels.tolist() == [0 if is_group else -1] * count + [-1] * 5


@pytest.mark.parametrize(("degrees", "is_group"), [(20.0, True), (24.0, False)])
@pytest.mark.parametrize("refine", [True, False])
def test_two_faces_are_a_person_up_to_eps(degrees, is_group, refine):
    """Two single faces have to be nearer than a crowd of pairs: by a quarter of eps."""
    eps = 1 - np.cos(np.radians(22)) if not refine else (1 - np.cos(np.radians(22))) / 0.75
    angles = np.radians([0, degrees])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    labels = group_faces(vectors, eps=float(eps), min_samples=2, refine=refine).labels

    assert labels.tolist() == ([0, 0] if is_group else [-1, -1])


def test_of_groups_of_one_size_the_one_seen_first_is_first():
    rows = unit(np.random.default_rng(4).standard_normal((3, 64)))
    vectors = rows[[2, 0, 1, 1, 0, 2, 0]]

    labels = group_faces(vectors, eps=EPS, min_samples=2).labels

    assert labels.tolist() == [1, 0, 2, 2, 0, 1, 0]

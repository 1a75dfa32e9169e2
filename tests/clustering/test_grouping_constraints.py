import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.grouping import Constraints, Contradiction, check_constraints, group_faces
from clustering.grouping.cannot_link import SAME_SHOT
from tests.clustering.test_grouping_dbscan import people, unit

EPS = 0.08
# What the grouping said before it knew of constraints, of people(7, count=40, spread=0.35).
BEFORE = {
    ("dbscan", True): "...0.2.30.32.......1.1.0..1........0....",
    ("dbscan", False): "2..1.0.31.30..145..0.0.1..03.5.2...1.402",
    ("hdbscan", True): "...0.2.30.32.......1.1.0..1........0....",
    ("hdbscan", False): "1162304526507724354050023005030113124401",
}


def both_ways(test):
    plain = pytest.mark.parametrize("refine", [True, False])
    return pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])(plain(test))


def pairs(*rows):
    return np.array(rows, dtype=np.int64).reshape(-1, 2)


def refusal_of(*args, **options):
    try:
        check_constraints(*args, **options)
    except Contradiction as refused:
        return refused
    return None


def same_groups(labels, known):
    return ((labels[:, None] == labels) == (known[:, None] == known)).all()


def decided(seed, count):
    """Draw decisions that a hidden truth agrees with, and images."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, max(1, count // 3), count)
    drawn = random.integers(0, max(1, count), (2, int(random.integers(0, count + 1)), 2))
    same = truth[drawn[0, :, 0]] == truth[drawn[0, :, 1]]
    other = truth[drawn[1, :, 0]] != truth[drawn[1, :, 1]]
    sizes = np.bincount(truth)
    return Constraints(
        must_link=drawn[0][same],
        cannot_link=drawn[1][other],
        anchors=np.where(random.random(count) < 0.1, truth, -1),
        singletons=np.flatnonzero((sizes[truth] == 1) & (random.random(count) < 0.5)),
        images=random.integers(-1, max(1, count // 2), count),
        same_image_allowed=random.integers(0, max(1, count), (count // 4, 2)),
    )


def assert_kept(labels, constraints, vectors, *, eps):
    count = len(labels)
    one, other = constraints.must_link.T
    moved = one != other
    assert (labels[one] == labels[other]).all()
    assert (labels[one[moved]] >= 0).all()
    one, other = constraints.cannot_link.T
    assert ((labels[one] != labels[other]) | (labels[one] < 0)).all()
    anchored = np.flatnonzero(constraints.anchors >= 0)
    assert (labels[anchored] >= 0).all()
    same = constraints.anchors[anchored][:, None] == constraints.anchors[anchored]
    assert (same == (labels[anchored][:, None] == labels[anchored])).all()
    for row in constraints.singletons:
        assert labels[row] < 0 or (labels == labels[row]).sum() == 1
    roots = constraints.roots(count)
    allowed = {frozenset(pair) for pair in constraints.same_image_allowed.tolist()}
    for first in range(count):
        for second in range(first):
            shared = constraints.images[first] == constraints.images[second] >= 0
            if shared and labels[first] == labels[second] >= 0:
                cannot_link = 1 - float(vectors[first].astype(float) @ vectors[second])
                assert (
                    roots[first] == roots[second]
                    or {first, second} in allowed
                    or cannot_link <= SAME_SHOT * eps + 1e-5
                )


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    count=st.integers(0, 70),
    eps=st.floats(0.005, 0.5),
    spread=st.sampled_from([0.05, 0.2, 0.4, 1.0]),
    min_samples=st.integers(1, 5),
    algorithm=st.sampled_from(["dbscan", "hdbscan"]),
    refine=st.booleans(),
)
def test_no_grouping_breaks_a_constraint(seed, count, eps, spread, min_samples, algorithm, refine):
    vectors = people(seed, count=count, spread=spread).reshape(count, 16)
    constraints = decided(seed, count)

    one, other = (
        group_faces(
            vectors,
            eps=eps,
            min_samples=min_samples,
            algorithm=algorithm,
            refine=refine,
            constraints=constraints,
        )
        for _ in range(2)
    )

    assert_kept(one.labels, constraints, vectors, eps=eps)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.similarity, other.similarity)


@both_ways
def test_without_constraints_the_labels_are_what_they_were(algorithm, refine):
    vectors = people(7, count=40, spread=0.35)

    for constraints in (None, Constraints(), Constraints(images=np.arange(40))):
        labels = group_faces(
            vectors,
            eps=EPS,
            min_samples=2,
            algorithm=algorithm,
            refine=refine,
            constraints=constraints,
        ).labels

        assert "".join("." if n < 0 else str(n) for n in labels) == BEFORE[algorithm, refine]


@both_ways
@pytest.mark.parametrize("min_samples", [1, 2, 5])
def test_strangers_who_are_together_are_a_group_at_any_eps(algorithm, refine, min_samples):
    vectors = unit(np.random.default_rng(1).standard_normal((12, 64)))
    constraints = Constraints(must_link=pairs([3, 9]))

    labels = group_faces(
        vectors,
        eps=1e-6,
        min_samples=min_samples,
        algorithm=algorithm,
        refine=refine,
        constraints=constraints,
    ).labels

    assert labels[3] == labels[9] >= 0
    hears_anything = algorithm == "hdbscan" and not refine  # HDBSCAN groups strangers too
    assert min_samples == 1 or hears_anything or (np.delete(labels, [3, 9]) == -1).all()


@both_ways
def test_a_person_of_one_photo_is_a_group(algorithm, refine):
    vectors = np.eye(12, dtype=np.float32)
    constraints = Constraints(
        anchors=np.where(np.arange(12) == 5, 77, -1), singletons=np.array([5])
    )

    labels = group_faces(
        vectors, eps=EPS, min_samples=2, algorithm=algorithm, refine=refine, constraints=constraints
    ).labels

    assert np.flatnonzero(labels == labels[5]).tolist() == [5]
    assert labels[5] >= 0


@both_ways
def test_copies_that_are_apart_stay_apart(algorithm, refine):
    vectors = np.repeat(unit(np.random.default_rng(1).standard_normal((2, 64))), 5, axis=0)
    constraints = Constraints(cannot_link=pairs([0, 4]))

    labels = group_faces(
        vectors, eps=EPS, min_samples=1, algorithm=algorithm, refine=refine, constraints=constraints
    ).labels

    assert labels[0] != labels[4]
    assert len(set(labels[:5].tolist())) == 2
    assert len(set(labels[5:].tolist())) == 1


@both_ways
def test_a_face_kept_from_one_photo_of_a_person_is_kept_from_the_person(algorithm, refine):
    vectors = unit(1 + 0.1 * np.random.default_rng(1).standard_normal((9, 64)))
    constraints = Constraints(
        anchors=np.array([4, 4, 4, -1, -1, -1, -1, -1, -1]), cannot_link=pairs([2, 8])
    )

    labels = group_faces(
        vectors, eps=EPS, min_samples=2, algorithm=algorithm, refine=refine, constraints=constraints
    ).labels

    assert labels[0] == labels[1] == labels[2] >= 0
    assert labels[8] != labels[0]


@both_ways
def test_a_face_that_is_alone_stays_alone(algorithm, refine):
    vectors = unit(1 + 0.1 * np.random.default_rng(1).standard_normal((9, 64)))
    options = {"eps": EPS, "min_samples": 2, "algorithm": algorithm, "refine": refine}
    before = group_faces(vectors, **options).labels

    row = np.argmax(before == 0)

    after = group_faces(
        vectors, **options, constraints=Constraints(singletons=np.array([row]))
    ).labels

    assert after[row] == -1
    was, stays = (np.delete(labels, row) for labels in (before, after))
    assert same_groups(stays, was)


@both_ways
def test_two_faces_of_one_image_are_two_people_unless_it_is_one_face_twice(algorithm, refine):
    angles = np.array([0.0, 0.3, 1.5, 1.5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    images = np.array([1, 1, 2, 2])

    def labels(**allowed):
        constraints = Constraints(images=images, **allowed)
        return group_faces(
            vectors,
            eps=EPS,
            min_samples=2,
            algorithm=algorithm,
            refine=refine,
            constraints=constraints,
        ).labels.tolist()

    assert labels() == [-1, -1, 0, 0]
    assert labels(same_image_allowed=pairs([1, 0])) == [0, 0, 1, 1]
    assert labels(must_link=pairs([1, 0])) == [0, 0, 1, 1]


def two_lookalikes(count):
    """Draw `count` photos each of two people who are a little more than a person apart."""
    random = np.random.default_rng(1)
    centres = np.zeros((2, 64))
    centres[:, 0], centres[:, 1] = 1, (0.12, -0.12)
    noise = 0.02 * random.standard_normal((2 * count, 64))
    return unit(np.repeat(centres, count, axis=0) + noise)


@both_ways
def test_lookalikes_who_are_in_one_picture_often_are_two_people(algorithm, refine):
    images = np.concatenate([np.arange(20), np.arange(12), np.arange(20, 28)])

    labels = group_faces(
        two_lookalikes(20),
        eps=EPS,
        min_samples=2,
        algorithm=algorithm,
        refine=refine,
        constraints=Constraints(images=images),
    ).labels

    assert same_groups(labels, np.repeat([0, 1], 20))


@both_ways
def test_a_person_who_is_in_one_picture_twice_is_not_split(algorithm, refine):
    images = np.concatenate([np.arange(20), [0], np.arange(20, 39)])

    labels = group_faces(
        two_lookalikes(20),
        eps=0.1,
        min_samples=2,
        algorithm=algorithm,
        refine=refine,
        constraints=Constraints(images=images),
    ).labels

    assert min(labels[0], labels[20]) < max(labels[0], labels[20])
    if algorithm == "dbscan":
        assert sorted(np.unique(labels, return_counts=True)[1].tolist()) == [1, 39]


@pytest.mark.parametrize("refine", [True, False])
def test_what_was_decided_stays_where_a_face_is_shown_twice(refine):
    vectors = two_lookalikes(20)
    images = np.concatenate([np.arange(20), [0], np.arange(20, 39)])

    for row, leaves in ((0, 20), (20, 0)):
        constraints = Constraints(images=images, must_link=pairs([row, 7]))
        labels = group_faces(
            vectors, eps=0.1, min_samples=2, refine=refine, constraints=constraints
        ).labels

        assert np.flatnonzero(labels < 0).tolist() == [leaves]


def test_plain_groups_without_a_conflict_stay_as_they_were():
    vectors = people(7, count=60, spread=0.3)
    before = group_faces(vectors, eps=EPS, min_samples=2, refine=False).labels
    one, other = np.flatnonzero(before == 0)[:2]
    noise = np.flatnonzero(before < 0)[0]

    constraints = Constraints(
        cannot_link=pairs([one, other]), must_link=pairs([noise, np.argmax(before == 1)])
    )
    after = group_faces(
        vectors, eps=EPS, min_samples=2, refine=False, constraints=constraints
    ).labels

    touched = (before == 0) | (np.arange(60) == noise)
    links = set(zip(before[~touched].tolist(), after[~touched].tolist(), strict=True))
    assert len(links) == len({label for label, _ in links}) == len({label for _, label in links})
    assert (after[touched] != -1).sum() >= 2


def test_a_contradiction_names_the_shortest_chain():
    must_link = pairs([0, 1], [1, 2], [2, 3], [0, 4], [4, 3], [6, 7])

    with pytest.raises(Contradiction, match="3 and 0 cannot be apart") as refused:
        check_constraints(9, must_link, pairs([5, 6], [3, 0]))

    assert refused.value.cannot_link == (3, 0)
    assert refused.value.chain == [(3, 4), (4, 0)]


def test_a_contradiction_runs_through_a_person():
    anchors = np.array([8, -1, 8, -1])

    with pytest.raises(Contradiction) as refused:
        check_constraints(4, pairs([2, 3]), pairs([0, 3]), anchors=anchors)

    assert refused.value.chain == [(0, 2), (2, 3)]


def test_two_people_cannot_be_one():
    anchors = np.array([8, -1, 8, 5, 5])

    with pytest.raises(Contradiction) as refused:
        check_constraints(5, pairs([2, 1], [1, 4]), pairs(), anchors=anchors)

    assert refused.value.cannot_link == (2, 4)
    assert refused.value.chain == [(2, 1), (1, 4)]


def test_a_singleton_has_no_must_link():
    with pytest.raises(Contradiction) as refused:
        Constraints(must_link=pairs([0, 1]), singletons=np.array([1])).check(3)

    assert refused.value.cannot_link == (1, 0)
    assert refused.value.chain == [(1, 0)]


def test_a_face_is_not_apart_from_itself():
    with pytest.raises(Contradiction, match="one face"):
        check_constraints(3, pairs([1, 1]), pairs([2, 2]))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 100_000), count=st.integers(1, 30))
def test_a_refusal_is_a_chain_of_pairs_that_were_given(seed, count):
    random = np.random.default_rng(seed)
    must_link, cannot_link = random.integers(0, count, (2, count // 2, 2))
    anchors = random.integers(-4, 3, count).clip(-1)
    given_pairs = {frozenset(pair) for pair in must_link.tolist()}

    refused = refusal_of(count, must_link, cannot_link, anchors=anchors)

    if refused is not None:
        ends = refused.cannot_link
        walk = [ends[0], *(other for _, other in refused.chain)]
        assert walk[-1] == ends[1]
        assert [one for one, _ in refused.chain] == walk[:-1]
        for one, other in refused.chain:
            of_one_person = anchors[one] == anchors[other] >= 0
            assert of_one_person or frozenset((one, other)) in given_pairs
        two_people = -1 != anchors[ends[0]] != anchors[ends[1]] != -1
        assert two_people or list(ends) in cannot_link.tolist()
    else:
        constraints = Constraints(must_link=must_link, cannot_link=cannot_link, anchors=anchors)
        roots = constraints.roots(count)
        assert (roots[cannot_link[:, 0]] != roots[cannot_link[:, 1]]).all()
        people_of = constraints.people(count)
        assert all(len(set(people_of[roots == root].tolist())) == 1 for root in set(roots.tolist()))


@pytest.mark.parametrize("field", ["must_link", "cannot_link", "same_image_allowed"])
def test_rows_that_are_not_there_are_refused(field):
    for rows in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match="outside 0 to 2"):
            Constraints(**{field: pairs(rows)}).check(3)
    Constraints(**{field: pairs([0, 2])}).check(3)


@pytest.mark.parametrize("field", ["anchors", "images"])
def test_a_column_of_another_length_is_refused(field):
    with pytest.raises(ValueError, match=field):
        Constraints(**{field: np.zeros(2, dtype=np.int64)}).check(3)


def test_a_hundred_thousand_faces_are_checked_within_a_second():
    random = np.random.default_rng(0)
    truth = random.integers(0, 5_000, 100_000)
    drawn = random.integers(0, 100_000, (40_000, 2))
    by_person = np.argsort(truth, kind="stable")
    must_link = np.stack([by_person[:-1], by_person[1:]], axis=1)[:10_000]
    must_link = must_link[truth[must_link[:, 0]] == truth[must_link[:, 1]]]
    cannot_link = drawn[truth[drawn[:, 0]] != truth[drawn[:, 1]]][:10_000]
    anchors = np.where(random.random(100_000) < 0.2, truth, -1)

    start = time.perf_counter()
    check_constraints(100_000, must_link, cannot_link, anchors=anchors)
    assert time.perf_counter() - start < 1

    start = time.perf_counter()
    with pytest.raises(Contradiction):
        check_constraints(
            100_000, must_link, np.vstack([cannot_link, must_link[:1]]), anchors=anchors
        )
    assert time.perf_counter() - start < 1


def test_a_person_of_thousands_is_no_burden():
    vectors = unit(1 + 0.2 * np.random.default_rng(1).standard_normal((5_000, 32)))
    constraints = Constraints(anchors=np.zeros(5_000, dtype=np.int64), images=np.arange(5_000) // 2)

    start = time.perf_counter()
    labels = group_faces(vectors, eps=EPS, min_samples=2, constraints=constraints).labels

    assert (labels == 0).all()
    assert time.perf_counter() - start < 20

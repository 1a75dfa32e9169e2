"""Matching of clusters with profiles: tiles, centroids, votes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assignments import matching
from assignments.matching import (
    NO_PROFILE,
    Match,
    Reason,
    Rules,
    Votes,
    best_two,
    match_centroids,
    unit,
)

DIMENSION = 6
LOOSE = Rules(threshold=0.0, margin=0.0, banned={})


def towards(*angles):
    """Return unit vectors (n, 2) by angle in degrees."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def rows_of(count, seed):
    return unit(np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32))


def by_vote(vectors, clusters, templates, *, count=1, rules=LOOSE):
    votes = Votes(count, templates, rules=rules)
    votes.add(vectors, np.asarray(clusters))
    return votes.matches()


def by_centroid(vectors, templates, *, rules=LOOSE):
    counts = np.asarray([len(vectors)])
    return match_centroids(vectors.sum(axis=0, keepdims=True), counts, templates, rules=rules)[0]


@st.composite
def tables(draw):
    """Draw vectors, templates, banned templates per row, and a tile size."""
    rows, columns = draw(st.integers(0, 12)), draw(st.integers(0, 7))
    banned = draw(
        st.dictionaries(
            st.integers(0, max(rows - 1, 0)),
            st.frozensets(st.integers(0, columns - 1)) if columns else st.just(frozenset()),
        )
    )
    seed = draw(st.integers(0, 10_000))
    return rows_of(rows, seed), rows_of(columns, seed + 1), banned, draw(st.integers(1, 100))


@given(tables())
def test_blocks_give_what_the_whole_product_gives(table):
    vectors, templates, banned, block = table
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "BLOCK_VALUES", block)
        found = best_two(vectors, templates, banned)

    for row, vector in enumerate(vectors):
        left = sorted(
            (-float(vector @ template), column)
            for column, template in enumerate(templates)
            if column not in banned.get(row, ())
        )
        expected = [column for _, column in left[:2]] + [NO_PROFILE] * (2 - len(left[:2]))
        assert [found.first[row], found.second[row]] == expected
        for (value, _), got in zip(
            left, (found.first_similarity[row], found.second_similarity[row]), strict=False
        ):
            assert got == pytest.approx(-value, abs=1e-6)


@pytest.mark.parametrize("rows", [3, 4, 5, 7, 8, 9])
def test_no_row_is_lost_where_blocks_meet(monkeypatch, rows):
    templates = rows_of(5, 1)
    monkeypatch.setattr(matching, "BLOCK_VALUES", 4 * len(templates))
    places = np.arange(rows) % 5

    found = best_two(templates[places], templates, {})

    assert found.first.tolist() == places.tolist()
    assert not (found.second == found.first).any()


def test_a_product_is_never_larger_than_a_block(monkeypatch):
    monkeypatch.setattr(matching, "BLOCK_VALUES", 20)

    sizes = [(block.stop - block.start) * 7 for block in matching._blocks(100, 7)]

    assert max(sizes) <= 20
    assert [block.start for block in matching._blocks(5, 100)] == [0, 1, 2, 3, 4]


def test_what_is_banned_in_a_later_block_stays_banned(monkeypatch):
    templates = towards(0, 50, 90)
    monkeypatch.setattr(matching, "BLOCK_VALUES", 3)
    vectors = towards(0, 0, 0, 0)

    found = best_two(vectors, templates, {2: {0}, 3: {0, 1, 2}})

    assert found.first.tolist() == [0, 0, 1, NO_PROFILE]
    assert found.second.tolist() == [1, 1, 2, NO_PROFILE]


def test_one_outlier_of_three_turns_the_mean_but_not_the_vote():
    """Two faces are Ada's; a third between Bob and Cid pulls the mean direction to Bob."""
    templates = towards(0, 60, 160)
    vectors = towards(20, 25, 110)
    rules = Rules(threshold=0.5, margin=0.0, banned={})

    (vote,) = by_vote(vectors, [0, 0, 0], templates, rules=rules)
    centroid = by_centroid(vectors, templates, rules=rules)

    assert (centroid.profile, centroid.reason) == (1, None)
    assert (vote.profile, vote.reason) == (0, None)
    cosines = np.cos(np.radians([20, 25]))
    assert vote.similarity == pytest.approx(cosines.mean(), abs=1e-6)


def test_the_similarity_of_a_centroid_is_that_of_the_mean_direction():
    match = by_centroid(towards(10, 30, 50), towards(0, 90))

    assert (match.profile, match.runner_up) == (0, 1)
    assert match.similarity == pytest.approx(np.cos(np.radians(30)), abs=1e-6)
    assert match.runner_up_similarity == pytest.approx(np.sin(np.radians(30)), abs=1e-6)


@pytest.mark.parametrize(
    ("threshold", "reason"), [(0.5, None), (0.51, Reason.BELOW_THRESHOLD), (1.0, "below_threshold")]
)
def test_a_centroid_has_to_reach_the_threshold(threshold, reason):
    exact = np.asarray([[0.5, np.sqrt(0.75)]], np.float32)
    template = np.asarray([[1.0, 0.0]], np.float32)

    match = by_centroid(exact, template, rules=Rules(threshold, 0.0, {}))

    assert (match.profile, match.reason) == (0, reason)


def test_the_best_has_to_beat_the_runner_up_by_the_margin():
    templates = np.asarray([[0.75, 0.25], [0.5, 0.5]], np.float32)  # exact in binary
    vector = np.asarray([[1.0, 0.0]], np.float32)

    def reason(margin, banned=()):
        rules = Rules(0.5, margin, {0: frozenset(banned)})
        return by_centroid(vector, templates, rules=rules).reason

    assert (reason(0.25), reason(0.26)) == (None, Reason.AMBIGUOUS)
    assert reason(0.26, banned={1}) is None


def test_below_the_threshold_is_said_before_ambiguous():
    match = by_centroid(towards(45), towards(0, 90), rules=Rules(0.9, 0.5, {}))

    assert match.reason == Reason.BELOW_THRESHOLD


def test_of_two_profiles_that_are_the_same_the_first_wins_and_any_margin_is_missed():
    templates, vectors = towards(0, 0), towards(0, 5)

    assert by_centroid(vectors, templates).profile == 0
    strict = Rules(0.5, 0.02, {})
    assert by_centroid(vectors, templates, rules=strict).reason == Reason.AMBIGUOUS
    (vote,) = by_vote(vectors, [0, 0], templates, rules=strict)
    assert (vote.profile, vote.runner_up, vote.reason) == (0, 1, Reason.AMBIGUOUS)


def test_a_tie_of_votes_is_ambiguous_and_names_the_first():
    templates = towards(0, 90)

    (vote,) = by_vote(towards(0, 90, 1, 91), [0] * 4, templates)

    assert (vote.profile, vote.reason) == (0, Reason.AMBIGUOUS)


@pytest.mark.parametrize(
    ("angles", "reason"),
    [
        ((0,), Reason.BELOW_THRESHOLD),  # one vote is not enough
        ((0, 45), Reason.BELOW_THRESHOLD),  # nor with an abstention
        ((0, 1), None),
        ((0, 1, 45, 46, 44), None),  # faces below the threshold do not vote
        ((0, 1, 90), None),
        ((0, 1, 90, 180), Reason.AMBIGUOUS),  # half of those cast
        ((0, 1, 2, 90, 180), None),
        ((0, 1, 90, 91, 180), Reason.AMBIGUOUS),
    ],
)
def test_a_winner_needs_two_votes_and_more_than_half_of_those_cast(angles, reason):
    rules = Rules(threshold=0.9, margin=0.0, banned={})

    (vote,) = by_vote(towards(*angles), [0] * len(angles), towards(0, 90, 180), rules=rules)

    assert (vote.profile, vote.reason) == (0, reason)


def test_a_vote_below_the_threshold_is_not_cast():
    rules = Rules(threshold=0.9, margin=0.0, banned={})

    (vote,) = by_vote(towards(45, 45), [0, 0], towards(0, 90), rules=rules)

    assert (vote.profile, vote.reason) == (NO_PROFILE, Reason.BELOW_THRESHOLD)


def test_who_is_banned_gets_no_votes_and_is_no_runner_up():
    templates = towards(0, 20, 90)
    rules = Rules(0.5, 0.0, {0: frozenset({0})})

    first, second = by_vote(towards(0, 1, 0, 1), [0, 0, 1, 1], templates, count=2, rules=rules)

    assert (first.profile, first.runner_up) == (1, 2)
    assert (second.profile, second.runner_up) == (0, 1)


def test_with_all_profiles_banned_a_cluster_is_unassigned():
    rules = Rules(0.0, 0.0, {0: frozenset({0, 1})})

    (vote,) = by_vote(towards(0, 1), [0, 0], towards(0, 90), rules=rules)
    centroid = by_centroid(towards(0, 1), towards(0, 90), rules=rules)

    for match in (vote, centroid):
        assert match == Match(NO_PROFILE, 0.0, NO_PROFILE, 0.0, Reason.BELOW_THRESHOLD)


def test_faces_without_any_profile_are_like_none():
    none = np.zeros((0, 2), np.float32)
    rules = Rules(0.0, 0.0, {})

    (vote,) = by_vote(towards(0, 1), [0, 0], none, rules=rules)
    centroid = by_centroid(towards(0, 1), none, rules=rules)

    for match in (vote, centroid):
        assert match == Match(NO_PROFILE, 0.0, NO_PROFILE, 0.0, Reason.BELOW_THRESHOLD)


@pytest.mark.parametrize(
    "match", [by_centroid, lambda *a, **b: by_vote(a[0], [0, 0], a[1], **b)[0]]
)
@pytest.mark.parametrize("first", [0, 1])
def test_the_runner_up_may_be_any_row(match, first):
    templates = towards(0, 4) if first == 0 else towards(4, 0)
    vectors = towards(0, 0)

    found = match(vectors, templates, rules=Rules(0.5, 0.5, {}))

    assert (found.profile, found.runner_up) == (first, 1 - first)
    assert found.runner_up_similarity == pytest.approx(np.cos(np.radians(4)), abs=1e-6)
    assert found.reason == Reason.AMBIGUOUS


EXACT = np.asarray([[0.75, 0.25], [0.5, 0.5]], np.float32)  # exact in binary
ALONG = np.asarray([[1.0, 0.0], [1.0, 0.0]], np.float32)


@pytest.mark.parametrize(
    ("threshold", "margin", "profile", "reason"),
    [
        (0.75, 0.0, 0, None),
        (0.75001, 0.0, NO_PROFILE, Reason.BELOW_THRESHOLD),
        (0.75, 0.25, 0, None),
        (0.75, 0.25001, 0, Reason.AMBIGUOUS),
    ],
)
def test_votes_that_just_meet_threshold_and_margin_count(threshold, margin, profile, reason):
    rules = Rules(threshold, margin, {})

    (vote,) = by_vote(ALONG, [0, 0], EXACT, rules=rules)

    assert (vote.profile, vote.reason) == (profile, reason)


@pytest.mark.parametrize(
    ("threshold", "margin", "reason"),
    [
        (0.75, 0.25, None),
        (0.75001, 0.25, Reason.BELOW_THRESHOLD),
        (0.75, 0.25001, Reason.AMBIGUOUS),
    ],
)
def test_a_centroid_that_just_meets_threshold_and_margin_counts(threshold, margin, reason):
    rules = Rules(threshold, margin, {})

    assert by_centroid(ALONG[:1], EXACT, rules=rules).reason == reason


@pytest.mark.parametrize("votes", [(0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 0)])
def test_who_has_most_votes_wins_whatever_the_order(votes):
    (vote,) = by_vote(towards(*(90 * one for one in votes)), [0, 0, 0], towards(0, 90))

    most = int(sum(votes) >= 2)
    assert (vote.profile, vote.runner_up, vote.similarity) == (most, 1 - most, pytest.approx(1))
    assert vote.reason is None


def test_votes_are_counted_for_each_cluster_alone():
    templates = towards(0, 90)

    first, second, third = by_vote(
        towards(0, 90, 1, 91, 0), [0, 1, 0, 1, 2], templates, count=3, rules=Rules(0.5, 0.0, {})
    )

    assert (first.profile, first.reason) == (0, None)
    assert (second.profile, second.reason) == (1, None)
    assert (third.profile, third.reason) == (0, Reason.BELOW_THRESHOLD)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 359)), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
    st.integers(1, 20),
)
def test_votes_do_not_depend_on_how_the_vectors_stream_by(faces, chance, batch):
    templates = towards(0, 70.3, 200.7)  # no whole degree lies in the middle of two
    rules = Rules(threshold=0.501, margin=0.02, banned={1: frozenset({0})})
    shuffled = chance.sample(faces, len(faces))

    def matches(some, size):
        votes = Votes(3, templates, rules=rules)
        for first in range(0, len(some), size):
            part = some[first : first + size]
            votes.add(towards(*(angle for _, angle in part)), np.asarray([c for c, _ in part]))
        return votes.matches()

    for one, other in zip(matches(faces, len(faces)), matches(shuffled, batch), strict=True):
        assert one.profile == other.profile
        assert one.similarity == pytest.approx(other.similarity, abs=1e-5)


@pytest.mark.parametrize("templates", [0, 3])
@pytest.mark.parametrize("clusters", [0, 2])
def test_nothing_to_compare_matches_no_profile(templates, clusters):
    known = rows_of(templates, 3)
    none = np.zeros((0, DIMENSION), np.float32)

    votes = by_vote(none, np.zeros(0, np.int64), known, count=clusters)
    centroids = match_centroids(
        np.zeros((clusters, DIMENSION), np.float32),
        np.zeros(clusters, np.int64),
        known,
        rules=LOOSE,
    )

    assert len(votes) == len(centroids) == clusters
    assert {one.reason for one in [*votes, *centroids]} <= {Reason.NO_VECTORS}
    assert {one.profile for one in [*votes, *centroids]} <= {NO_PROFILE}
    assert {one.similarity for one in [*votes, *centroids]} <= {0.0}


def test_sums_of_opposite_faces_match_no_profile_and_are_never_nan():
    opposite = np.asarray([[1, 0], [-1, 0]], np.float32)

    match = by_centroid(opposite, towards(0, 90), rules=Rules(0.5, 0.0, {}))

    assert match.reason == Reason.BELOW_THRESHOLD
    assert np.isfinite([match.similarity, match.runner_up_similarity]).all()


def test_unit_rows_have_length_one_and_zeros_stay():
    rows = unit(np.asarray([[3.0, 4.0], [0.0, 0.0], [0.001, 0.0]], np.float32))

    assert rows == pytest.approx(np.asarray([[0.6, 0.8], [0, 0], [1, 0]]))
    assert rows.dtype == np.float32


def test_numbers_are_finite_with_a_single_profile():
    (vote,) = by_vote(towards(0, 1), [0, 0], towards(0))
    centroid = by_centroid(towards(0, 1), towards(0))

    for match in (vote, centroid):
        assert (match.runner_up, match.runner_up_similarity, match.reason) == (
            NO_PROFILE,
            0.0,
            None,
        )
        assert np.isfinite(match.similarity)


def test_opposite_faces_match_no_profile():
    face = unit(np.ones((1, 128), np.float32))

    assert not unit(face - face * np.float32(1 + 1e-7)).any()

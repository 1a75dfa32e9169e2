"""Counts and cover faces of clusters after decisions about few and about many faces."""

import pytest

from clustering.decisions.cluster_counts import FEW
from clustering.decisions.replay import replay_event_log
from clustering.selectors import get_cluster, iter_clusters, list_members
from tests.clustering.deciding import Reviewed

ADA, BOB, EVE = 10, 90, 170


@pytest.fixture
def reviewed(painted):
    """Ada, bob and eve; each photo of eve shows bob as well."""
    for number in range(FEW + 4):
        painted.paint(f"ada{number}.png", ADA, shade=number)
    for number in range(5):
        painted.paint(f"bob{number}.png", BOB, shade=number)
    for number in range(3):
        painted.paint(f"eve{number}.png", EVE, BOB, shade=number)
    painted.run()
    return Reviewed(painted)


def counts(reviewed):
    return {
        one.label: (one.face_count, one.image_count)
        for one in iter_clusters(reviewed.run)
        if not one.is_noise
    }


def typical(reviewed, label, limit=4):
    return [member.face for member in list_members(reviewed.run, label, limit=limit)]


def test_a_merge_of_many_faces_counts_those_of_the_cluster_alone(reviewed):
    assert counts(reviewed) == {"cluster_0": (24, 24), "cluster_1": (8, 8), "cluster_2": (3, 3)}

    merge = reviewed.decide("merge", cluster="cluster_2", other="cluster_0")
    assert counts(reviewed) == {"cluster_1": (8, 8), "cluster_2": (27, 27)}

    reviewed.undo(merge)
    assert counts(reviewed) == {"cluster_0": (24, 24), "cluster_1": (8, 8), "cluster_2": (3, 3)}


def test_a_photo_with_two_faces_of_a_cluster_counts_once_after_a_merge_of_many(reviewed):
    reviewed.decide("merge", cluster="cluster_1", other="cluster_0")

    reviewed.decide("merge", cluster="cluster_2", other="cluster_1")

    assert counts(reviewed) == {"cluster_2": (35, 32)}
    assert replay_event_log(
        reviewed.painted.name.path, vectors=reviewed.painted.vectors
    ).is_unchanged


def test_covers_are_the_chosen_face_and_the_earlier_ones_after_a_merge_of_many(reviewed):
    face = reviewed.face("eve2.png", 0)
    reviewed.decide("choose_cover", faces=(face,), cluster="cluster_2")
    earlier = list(get_cluster(reviewed.run, "cluster_2").covers)

    reviewed.decide("merge", cluster="cluster_2", other="cluster_0")

    covers = get_cluster(reviewed.run, "cluster_2").covers
    assert covers[0] == face
    assert covers[:3] == earlier
    assert len(covers) == 4


def test_a_cover_whose_choice_was_undone_comes_last(reviewed):
    before = list(get_cluster(reviewed.run, "cluster_1").covers)
    chosen = before[2]

    decision = reviewed.decide("choose_cover", faces=(chosen,), cluster="cluster_1")
    assert get_cluster(reviewed.run, "cluster_1").covers == [chosen, *before[:2], before[3]]
    reviewed.undo(decision)

    assert get_cluster(reviewed.run, "cluster_1").covers == [*before[:2], before[3], chosen]


def test_a_cover_that_moves_away_is_replaced_by_a_typical_face(reviewed):
    covers = list(get_cluster(reviewed.run, "cluster_1").covers)

    reviewed.decide("move", faces=(covers[0],), to="cluster_0")

    shown = get_cluster(reviewed.run, "cluster_1").covers
    assert shown[:3] == covers[1:]
    assert len(shown) == 4
    assert shown[3] in typical(reviewed, "cluster_1")
    assert covers[0] not in shown
    assert len(get_cluster(reviewed.run, "cluster_0").covers) == 4


def test_both_clusters_of_a_decision_have_its_number_as_their_version(reviewed):
    decision = reviewed.decide("not_same", cluster="cluster_1", other="cluster_2")

    versions = [get_cluster(reviewed.run, f"cluster_{number}").version for number in range(3)]
    assert versions == [0, decision.seq, decision.seq]


def test_the_vectors_of_moved_faces_name_their_new_cluster(reviewed):
    painted, face = reviewed.painted, reviewed.face("bob0.png")

    reviewed.decide("move", faces=(face,), to="cluster_0")
    reviewed.decide("reject", faces=(reviewed.face("bob1.png"),), cluster="cluster_1")

    stored = painted.vectors.iter_payloads("painted-vectors", {"collection": painted.name.path})
    clusters = {one: payload["cluster"] for some in stored for one, payload in some}
    assert clusters[face] == "cluster_0"
    assert clusters == {one: reviewed.label(*file) for file, one in reviewed.faces().items()}

"""Clusters that may be one person are proposed, and merged by people only."""

import pytest

from clustering.selectors import iter_clusters
from tests.callers import key_client
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.django_db

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def proposed(reviewed):
    answer = key_client("viewer").get(f"/api/v1/runs/{reviewed.run.id}/proposals/")
    assert answer.status_code == 200, answer.json()
    return answer.json()["proposals"]


def two_adas(reviewed):
    """Take two faces of ada out, which a machine would put back."""
    faces = (reviewed.face("ada0.png"), reviewed.face("ada1.png"))
    reviewed.decide("move", faces=faces, to="new")
    reviewed.rerun(full=True)
    return reviewed.label("ada0.png"), reviewed.label("ada2.png")


def test_people_who_are_not_alike_are_not_proposed(reviewed):
    assert proposed(reviewed) == []


def test_what_a_person_took_apart_is_proposed_and_not_merged(reviewed):
    one, other = two_adas(reviewed)

    [proposal] = proposed(reviewed)

    assert one != other
    assert {proposal["cluster_id"], proposal["other_cluster_id"]} == {one, other}
    assert (proposal["face_count"], proposal["other_face_count"]) == (3, 2)
    assert proposal["similarity"] > 0.9


@pytest.mark.parametrize("answer", ["merge", "not_same"])
def test_an_answered_proposal_is_not_made_again(reviewed, answer):
    one, other = two_adas(reviewed)
    reviewed.decide(answer, cluster=one, other=other)

    assert proposed(reviewed) == []
    reviewed.rerun(full=True)
    assert proposed(reviewed) == []


def test_two_clusters_that_people_named_are_never_merged_by_the_machine(reviewed):
    two_adas(reviewed)
    before = {one.person for one in iter_clusters(reviewed.run) if one.person}

    reviewed.rerun(full=True, eps=0.5)

    after = {one.person for one in iter_clusters(reviewed.run) if one.person}
    assert before <= after


def test_an_unknown_run_has_no_proposals(stores):
    answer = key_client("viewer").get(f"/api/v1/runs/{'0' * 24}/proposals/")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_run")

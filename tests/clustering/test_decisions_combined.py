"""Decisions that meet others: what a merge takes, where faces come back to, what stays."""

import pytest

from clustering.decisions.errors import StaleDecision
from clustering.decisions.replay import replay_event_log
from clustering.pipeline import group_run
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ADA, BOB, EVE = 10, 90, 170


@pytest.fixture
def reviewed(painted):
    """Five photos of Ada, four of Bob, three of Eve."""
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4), (EVE, "eve", 3)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def labels(reviewed, name, count):
    return [reviewed.label(f"{name}{number}.png") for number in range(count)]


def is_rebuilt(reviewed):
    painted = reviewed.painted
    return replay_event_log(painted.name.path, vectors=painted.vectors).is_unchanged


def test_a_merge_leaves_out_a_face_that_was_rejected_from_who_stays(reviewed):
    face = (reviewed.face("bob0.png"),)
    reviewed.decide("move", faces=face, to="cluster_0")
    reviewed.decide("reject", faces=face, cluster="cluster_0")
    reviewed.rerun(full=True)
    ada, bob = reviewed.label("ada0.png"), reviewed.label("bob0.png")
    assert labels(reviewed, "bob", 4) == [bob] * 4

    reviewed.decide("merge", cluster=ada, other=bob)

    assert labels(reviewed, "bob", 4) == ["noise", ada, ada, ada]
    assert is_rebuilt(reviewed)
    reviewed.rerun(full=True)
    assert reviewed.label("bob0.png") != reviewed.label("ada0.png")
    assert labels(reviewed, "bob", 4)[1:] == labels(reviewed, "ada", 5)[:3]


def test_a_restored_face_comes_back_to_what_its_person_was_merged_into(reviewed):
    face = (reviewed.face("bob0.png"),)
    reviewed.decide("ignore", faces=face)
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")

    reviewed.decide("restore", faces=face)

    assert reviewed.label("bob0.png") == "cluster_0"
    assert is_rebuilt(reviewed)


def test_faces_of_several_people_are_restored_to_their_own(reviewed):
    files = ("ada0.png", "bob0.png", "eve0.png")
    faces = tuple(reviewed.face(file) for file in files)
    reviewed.decide("not_a_face", faces=faces[:2])
    reviewed.decide("ignore", faces=faces[2:])

    reviewed.decide("restore", faces=faces)

    assert [reviewed.label(file) for file in files] == ["cluster_0", "cluster_1", "cluster_2"]


def test_the_undo_of_a_merge_leaves_alone_what_is_not_there_any_more(reviewed):
    merge = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    reviewed.decide("reject", faces=(reviewed.face("bob0.png"),), cluster="cluster_0")
    reviewed.decide("split", faces=(reviewed.face("bob1.png"),), cluster="cluster_0")
    singletons = reviewed.label("bob1.png")

    reviewed.undo(merge)

    assert labels(reviewed, "bob", 4) == ["noise", singletons, "cluster_1", "cluster_1"]
    assert labels(reviewed, "ada", 5) == ["cluster_0"] * 5
    assert is_rebuilt(reviewed)


def test_an_earlier_decision_about_a_face_does_not_stand_against_the_undo_of_a_later(reviewed):
    face = (reviewed.face("ada0.png"),)
    reviewed.decide("confirm", faces=face, cluster="cluster_0")
    moved = reviewed.decide("move", faces=face, to="cluster_1")

    reviewed.undo(moved)

    assert reviewed.label("ada0.png") == "cluster_0"


@pytest.mark.parametrize("kind", ["merge", "not_same"])
def test_a_cluster_without_faces_is_one_no_more(reviewed, kind):
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")

    for asked in (("cluster_2", "cluster_1"), ("cluster_1", "cluster_2")):
        with pytest.raises(StaleDecision, match="cluster_1 has no faces any more"):
            reviewed.decide(kind, cluster=asked[0], other=asked[1])


def test_faces_that_move_to_a_profile_come_to_its_largest_cluster(reviewed):
    for label in ("cluster_2", "cluster_0"):
        reviewed.decide("choose_profile", cluster=label, user_id="zoe")

    reviewed.decide("move", faces=(reviewed.face("bob0.png"),), user_id="zoe")
    reviewed.decide("move", faces=(reviewed.face("bob1.png"),), user_id="new.id")
    reviewed.decide("move", faces=(reviewed.face("bob2.png"),), user_id="new.id")

    placed = labels(reviewed, "bob", 4)
    assert (placed[0], placed[3]) == ("cluster_0", "cluster_1")
    assert placed[1] == placed[2] not in ("cluster_0", "cluster_1", "cluster_2", "noise")
    assert is_rebuilt(reviewed)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("reject", {"faces": ("ada0.png",), "cluster": "cluster_0"}),
        ("move", {"faces": ("bob0.png",), "to": "cluster_0"}),
        ("move", {"faces": ("ada0.png",), "to": "noise"}),
        ("split", {"faces": ("ada0.png",), "cluster": "cluster_0"}),
        ("merge", {"cluster": "cluster_0", "other": "cluster_2"}),
    ],
)
def test_a_person_that_was_corrected_stays_together_whatever_a_run_asks_for(reviewed, kind, asked):
    faces = tuple(reviewed.face(file) for file in asked.get("faces", ()))
    reviewed.decide(kind, **{**asked, "faces": faces})

    reviewed.rerun(full=True, eps=0.00001)

    stayed = labels(reviewed, "ada", 5)[1:]
    assert len(set(stayed)) == 1
    assert "noise" not in stayed
    assert labels(reviewed, "bob", 4)[1:] == ["noise"] * 3 or kind == "move"


def test_a_person_with_confirmed_faces_alone_keeps_those(reviewed):
    faces = tuple(reviewed.face(f"ada{number}.png") for number in range(2))
    reviewed.decide("confirm", faces=faces, cluster="cluster_0")

    reviewed.rerun(full=True, eps=0.00001)

    placed = labels(reviewed, "ada", 5)
    assert placed[0] == placed[1] != "noise"
    assert placed[2:] == ["noise"] * 3


def test_two_faces_of_one_photo_may_be_one_person_if_that_is_allowed(painted):
    """They are less alike than two copies of one face are at this eps."""
    for number in range(6):
        painted.paint(f"ada{number}.png", ADA, shade=number)
    painted.paint("two.png", ADA, ADA, shade=50)
    painted.run(eps=0.005)
    reviewed = Reviewed(painted)
    pair = (reviewed.face("two.png", 0), reviewed.face("two.png", 1))
    together = [reviewed.label("two.png", index) for index in (0, 1)]
    assert together.count("cluster_0") == 1

    reviewed.decide("allow_twice", faces=pair)
    reviewed.rerun(full=True, eps=0.005)

    assert [reviewed.label("two.png", index) for index in (0, 1)] == ["cluster_0"] * 2


def test_people_are_those_of_the_run_that_readers_see_whatever_other_runs_there_are(reviewed):
    reviewed.decide("reject", faces=(reviewed.face("ada0.png"),), cluster="cluster_0")
    before = {face: person for person, faces in reviewed.people().items() for face in faces}

    for eps in (1.9, 0.00001):
        reviewed.rerun(full=True, preview=True, eps=eps)
        reviewed.rerun(full=True)
        after = {face: person for person, faces in reviewed.people().items() for face in faces}
        assert after == before


def test_what_is_decided_after_a_run_read_the_decisions_is_in_it_all_the_same(
    reviewed, monkeypatch
):
    """A merge takes the new photo along, a new person gets a label, and the counts are right."""
    really = group_run.catch_up_projection

    def decided_late(run, **named):
        monkeypatch.setattr(group_run, "catch_up_projection", really)
        bob, eve = reviewed.label("bob0.png"), (reviewed.face("eve0.png"),)
        reviewed.decide("merge", cluster=reviewed.label("ada0.png"), other=bob, write=False)
        reviewed.decide("move", faces=eve, to="new", write=False)
        really(run, **named)

    reviewed.painted.paint("bob9.png", BOB, shade=9)
    monkeypatch.setattr(group_run, "catch_up_projection", decided_late)
    reviewed.rerun()

    ada = reviewed.label("ada0.png")
    assert [*labels(reviewed, "bob", 4), reviewed.label("bob9.png")] == [ada] * 5
    singletons = reviewed.label("eve0.png")
    assert singletons not in ("noise", ada, reviewed.label("eve1.png"))
    assert {len(faces) for faces in reviewed.people().values()} == {10, 2, 1}
    assert is_rebuilt(reviewed)

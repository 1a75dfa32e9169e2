"""Which decisions the log lists, in which order, and whose faces were ignored."""

import pytest

from clustering.decisions import event_log
from clustering.decisions.commands import DecisionCommand, execute_command
from clustering.decisions.errors import NoSuchDecision
from clustering.decisions.event_log import (
    AppendConflict,
    append_decision,
    decision_state,
    get_decision,
    ignored_persons,
    list_deciders,
    list_decisions_after,
    list_decisions_by,
    list_newest_decisions,
    load_state,
)
from clustering.decisions.events import EventKind
from clustering.decisions.snapshot import Snapshot
from clustering.services import delete_collection
from tests.clustering.deciding import Reviewed

ADA, BOB = 10, 90


def paint(painted):
    for person, name, photos in ((ADA, "ada", 4), (BOB, "bob", 3)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


@pytest.fixture
def reviewed(painted):
    return paint(painted)


def confirm(reviewed, number, *, by="ada"):
    """Write a decision into the log, without its documents."""
    face = reviewed.face(f"ada{number}.png")
    asked = DecisionCommand(kind=EventKind.CONFIRM, faces=(face,), cluster="cluster_0")
    return execute_command(reviewed.collection, asked, by=by)


def numbers(decisions):
    return [one.seq for one in decisions]


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 1000])
def test_decisions_after_a_number_are_listed_oldest_first_page_by_page(
    reviewed, monkeypatch, at_once
):
    path = reviewed.painted.name.path
    for number in range(4):
        confirm(reviewed, number)
    monkeypatch.setattr(event_log, "READ_AT_ONCE", at_once)

    assert numbers(list_decisions_after(path, 0)) == [1, 2, 3, 4]
    assert numbers(list_decisions_after(path, 2)) == [3, 4]
    assert numbers(list_decisions_after(path, 4)) == []


def test_the_newest_and_those_of_one_reviewer_are_listed_newest_first(reviewed):
    path = reviewed.painted.name.path
    made = [confirm(reviewed, number, by=by) for number, by in enumerate(("ada", "ad", "ada"))]

    newest = list_newest_decisions(path, limit=2)

    assert numbers(newest) == [3, 2]
    assert numbers(list_newest_decisions(path, before=newest[-1].sort_key, limit=2)) == [1]
    assert numbers(list_decisions_by("ada", path, limit=9)) == [3, 1]
    assert numbers(list_decisions_by("ada", path, limit=1)) == [3]
    assert numbers(list_decisions_by("ad", path, limit=9)) == [2]
    assert list_deciders([made[0].id, made[1].id]) == {made[0].id: "ada", made[1].id: "ad"}
    assert get_decision(made[1].id).by == "ad"
    with pytest.raises(NoSuchDecision):
        get_decision("no-decision")


def test_decisions_of_another_collection_are_not_listed(reviewed, tmp_path):
    from tests.clustering.conftest import Painted

    path = reviewed.painted.name.path
    other = paint(Painted(tmp_path / "buckets"))
    confirm(other, 0)
    confirm(other, 1)
    confirm(reviewed, 0)

    assert numbers(list_decisions_after(path, 0)) == [1]
    assert numbers(list_newest_decisions(path, limit=9)) == [1]
    assert numbers(list_decisions_by("ada", path, limit=9)) == [1]
    with decision_state(path) as state:
        assert state.seq == 1


def test_a_number_that_is_taken_is_refused_and_changes_nothing(reviewed):
    path = reviewed.painted.name.path
    before = load_state(path)
    first = confirm(reviewed, 0)
    late = execute_command(
        reviewed.collection,
        DecisionCommand(
            kind=EventKind.CONFIRM, faces=(reviewed.face("ada1.png"),), cluster="cluster_0"
        ),
        by="bob",
        dry_run=True,
    )
    late.id, late.seq, late.sort_key = first.id, first.seq, first.sort_key

    with pytest.raises(AppendConflict):
        append_decision(late, before)

    assert before.seq == 0
    assert get_decision(first.id).by == "ada"
    with decision_state(path) as state:
        assert state.seq == 1


def test_a_private_copy_of_the_state_does_not_follow_the_log(reviewed):
    confirm(reviewed, 0)
    private = load_state(reviewed.painted.name.path)

    confirm(reviewed, 1)

    assert private.seq == 1
    assert load_state(reviewed.painted.name.path).seq == 2


def test_a_collection_that_was_deleted_and_made_again_has_no_decisions(reviewed):
    path = reviewed.painted.name.path
    confirm(reviewed, 0)
    confirm(reviewed, 1)
    delete_collection(reviewed.painted.name)

    reviewed.painted.run()

    with decision_state(path) as state:
        assert state.seq == 0
    assert confirm(reviewed, 2).seq == 1


def test_persons_with_ignored_faces_are_those_whose_faces_are_still_out(reviewed):
    path = reviewed.painted.name.path
    snapshot = Snapshot(reviewed.run)
    ada, bob = snapshot.cluster("cluster_0"), snapshot.cluster("cluster_1")
    assert ignored_persons(path) == set()
    faces = (reviewed.face("ada0.png"), reviewed.face("bob0.png"))

    reviewed.decide("ignore", faces=faces)
    assert ignored_persons(path) == {ada, bob}
    reviewed.decide("restore", faces=faces[:1])
    assert ignored_persons(path) == {bob}
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    assert ignored_persons(path) == {ada}
    reviewed.decide("restore", faces=faces[1:])
    assert ignored_persons(path) == set()

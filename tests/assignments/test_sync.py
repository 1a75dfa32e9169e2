"""Whose the clusters are follows the log of decisions: names, refusals, moves, merges, undos."""

import pytest

from assignments.documents import MACHINE, AssignmentState, Strategy
from assignments.selectors import list_run_assignments, list_user_assignments
from assignments.sync import sync_with_decisions
from clustering.selectors import get_cluster, list_member_faces
from clustering.services import replay_decisions
from tests.clustering.deciding import Reviewed

BY = "ada"  # author of the decisions in these tests


@pytest.fixture
def reviewed(matched):
    return Reviewed(matched)


def state_of(one):
    return one.user_id, one.state, one.strategy, one.decided_by, round(one.similarity, 6)


def test_a_name_over_the_machines_and_its_undo(matched, reviewed):
    before = state_of(matched.held(reviewed.run, matched.ada))

    named = reviewed.decide("choose_profile", cluster=matched.ada, user_id="bob")
    held = matched.held(reviewed.run, matched.ada)
    assert state_of(held) == ("bob", AssignmentState.CONFIRMED, Strategy.MANUAL, BY, 1.0)

    reviewed.undo(named)
    assert state_of(matched.held(reviewed.run, matched.ada)) == before
    assert before[3] == MACHINE


def test_an_agreement_keeps_what_the_machine_measured(matched, reviewed):
    before = matched.held(reviewed.run, matched.ada)

    reviewed.decide("confirm_profile", cluster=matched.ada, user_id="ada")

    held = matched.held(reviewed.run, matched.ada)
    assert (held.similarity, held.strategy) == (before.similarity, before.strategy)
    assert (held.state, held.decided_by) == (AssignmentState.CONFIRMED, BY)


def test_a_refusal_and_its_undo(matched, reviewed):
    before = state_of(matched.held(reviewed.run, matched.ada))

    refused = reviewed.decide("reject_profile", cluster=matched.ada, user_id="ada")
    held = matched.held(reviewed.run, matched.ada)
    assert (held.state, held.rejected, held.is_held) == (AssignmentState.REJECTED, ["ada"], False)

    reviewed.undo(refused)
    held = matched.held(reviewed.run, matched.ada)
    assert (state_of(held), held.rejected) == (before, [])


def test_a_manual_assignment_of_an_unmatched_cluster_goes_with_its_undo(matched, reviewed):
    label = reviewed.label("p3.png")  # eve, who is not enrolled
    named = reviewed.decide("choose_profile", cluster=label, user_id="bob")
    assert matched.held(reviewed.run, label).user_id == "bob"

    reviewed.undo(named)

    assert matched.held(reviewed.run, label) is None


def test_names_and_refusals_stand_in_the_next_run(matched, reviewed):
    reviewed.decide("choose_profile", cluster=reviewed.label("p3.png"), user_id="bob")
    reviewed.decide("reject_profile", cluster=matched.ada, user_id="ada")

    reviewed.rerun(full=True)

    assert matched.held(reviewed.run, reviewed.label("p3.png")).user_id == "bob"
    assert matched.held(reviewed.run, reviewed.label("p2.png")).rejected == ["ada"]


def test_a_run_that_shares_the_groups_changes_no_name(matched, reviewed):
    """Decisions are in the shared groups already; written again they named wrong clusters."""
    reviewed.decide("confirm_profile", cluster=matched.bob, user_id="bob")
    face = list_member_faces(reviewed.run, matched.ada)[0]
    reviewed.decide("move", faces=(face,), to=matched.bob)
    before = {one.cluster: state_of(one) for one in list_run_assignments(reviewed.run.id)}

    run = matched.run()

    assert run.clusters_run == reviewed.run.id != run.id
    assert {one.cluster: state_of(one) for one in list_run_assignments(reviewed.run.id)} == before


def test_a_run_brings_back_the_name_of_somebody_who_was_away(matched, reviewed):
    """Named, then gone with all photos for a run, then there again: known by the faces."""
    reviewed.decide("choose_profile", cluster=reviewed.label("p3.png"), user_id="bob")
    content = (matched.folder / "p3.png").read_bytes(), (matched.folder / "p0.png").read_bytes()
    (matched.folder / "p3.png").unlink()
    (matched.folder / "p0.png").unlink()
    reviewed.rerun()

    (matched.folder / "p3.png").write_bytes(content[0])
    (matched.folder / "p0.png").write_bytes(content[1])
    reviewed.rerun()

    assert matched.held(reviewed.run, reviewed.label("p3.png")).user_id == "bob"


def test_faces_move_to_a_profile_in_one_decision(matched, reviewed):
    face = reviewed.face("p3.png")
    moved = reviewed.decide("move", faces=(face,), user_id="bob")

    held = matched.held(reviewed.run, reviewed.label("p3.png"))
    assert (held.user_id, held.state, held.face_count) == ("bob", AssignmentState.CONFIRMED, 1)
    assert held.cluster not in (matched.ada, matched.bob)

    again = reviewed.decide("move", faces=(reviewed.face("p2.png"),), user_id="bob")
    assert reviewed.label("p2.png") == held.cluster
    assert matched.held(reviewed.run, held.cluster).face_count == 2

    reviewed.undo(again)
    reviewed.undo(moved)
    assert [one.cluster for one in list_user_assignments("bob") if one.is_held] == [matched.bob]


def test_a_merged_cluster_is_unassigned_until_the_undo(matched, reviewed):
    merged = reviewed.decide("merge", cluster=matched.ada, other=matched.bob)
    assert get_cluster(reviewed.run, matched.bob).face_count == 0
    assert [one.cluster for one in list_run_assignments(reviewed.run.id)] == [matched.ada]
    assert not [one for one in list_user_assignments("bob") if one.is_held]
    assert matched.held(reviewed.run, matched.ada).face_count == 5

    reviewed.undo(merged)

    assert matched.held(reviewed.run, matched.bob).is_held
    assert matched.held(reviewed.run, matched.ada).face_count == 3
    assert [one.user_id for one in list_user_assignments("bob") if one.is_held] == ["bob"]


def test_a_merge_takes_the_name_that_people_gave_with_it(matched, reviewed):
    stranger = reviewed.label("p3.png")
    reviewed.decide("confirm_profile", cluster=matched.bob, user_id="bob")
    reviewed.decide("merge", cluster=stranger, other=matched.bob)

    held = matched.held(reviewed.run, stranger)

    assert (held.user_id, held.state) == ("bob", AssignmentState.CONFIRMED)


def test_following_twice_changes_nothing(matched, reviewed):
    decision = reviewed.decide("choose_profile", cluster=matched.ada, user_id="bob")
    once = matched.held(reviewed.run, matched.ada).to_mongo()

    sync_with_decisions(reviewed.run, decision, [matched.ada])

    assert matched.held(reviewed.run, matched.ada).to_mongo() == once


def rebuilt(matched, **kind):
    return replay_decisions(matched.name.path, **kind).wrong_assignments


def test_assignments_are_derived_from_the_whole_log_and_written_again(matched, reviewed):
    """Two that people named, one before and one after a grouping, and one that the machine gave."""
    reviewed.decide("choose_profile", cluster=reviewed.label("p3.png"), user_id="bob")
    matched.paint("more.png", 10, shade=9)
    matched.run()
    reviewed.decide("reject_profile", cluster=matched.ada, user_id="ada")
    before = {one.cluster: state_of(one) for one in list_run_assignments(reviewed.run.id)}
    assert rebuilt(matched) == []
    lost, refused = reviewed.label("p3.png"), matched.ada
    matched.held(reviewed.run, lost).delete()
    held = matched.held(reviewed.run, refused)
    held.state, held.rejected = AssignmentState.ASSIGNED, []
    held.save()

    assert rebuilt(matched) == sorted([lost, refused])
    assert rebuilt(matched, repair=True) == []
    assert {one.cluster: state_of(one) for one in list_run_assignments(reviewed.run.id)} == before


def test_what_was_said_of_profiles_that_are_not_there_is_no_difference(matched, reviewed):
    reviewed.decide("choose_profile", cluster=reviewed.label("p3.png"), user_id="unknown")
    reviewed.decide("reject_profile", cluster=matched.ada, user_id="gone")

    assert rebuilt(matched) == []

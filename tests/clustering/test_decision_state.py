"""What follows from decisions, on rulings made by hand."""

import pytest

from clustering.decisions.events import NOISE, DecisionEvent, EventKind
from clustering.decisions.state import Contradiction, DecisionState
from tests.clustering.deciding import Log


@pytest.fixture
def log():
    return Log()


def test_a_confirmed_face_is_an_anchor_of_its_person(log):
    log.add(EventKind.CONFIRM, "f", person="A")

    assert log.state.anchors() == {"f": "A"}


def test_a_rejected_face_is_never_that_person_again(log):
    log.add(EventKind.CONFIRM, "f", person="A")
    log.add(EventKind.REJECT, "f", person="A", pins={"A": ("g",)})

    assert log.state.anchors() == {"g": "A"}
    assert log.state.is_rejected("f", "A")


def test_about_one_face_the_newest_decision_counts(log):
    log.add(EventKind.REJECT, "f", person="A")
    log.add(EventKind.MOVE, "f", person="A")
    assert log.state.anchors() == {"f": "A"}

    log.add(EventKind.MOVE, "f", person="B")
    assert log.state.anchors() == {"f": "B"}

    log.add(EventKind.MOVE, "f", person=NOISE)
    assert log.state.anchors() == {}
    assert list(log.state.singletons) == ["f"]


def test_a_rejection_follows_a_merge(log):
    log.add(EventKind.REJECT, "f", person="A")
    log.add(EventKind.MERGE, "a1", "a2", person="B", other="A")

    assert log.state.is_rejected("f", "B")
    assert log.state.root("A") == "B"
    assert log.state.identity("A") == log.state.identity("B") != log.state.identity("C")
    assert log.state.anchors() == {"a1": "B", "a2": "B"}


def test_a_contradiction_is_told_with_its_chain(log):
    first = log.add(EventKind.MERGE, "a", person="B", other="A")
    second = log.add(EventKind.MERGE, "b", person="C", other="B")

    with pytest.raises(Contradiction) as found:
        log.add(EventKind.NOT_SAME, person="A", other="C")

    assert found.value.chain == [first, second]
    assert log.state.seq == 2


def test_a_merge_against_a_chain_is_refused(log):
    same = log.add(EventKind.MERGE, "a", person="B", other="A")
    cannot_link = log.add(EventKind.NOT_SAME, person="B", other="C")

    for stays, goes, chain in (("C", "A", [cannot_link, same]), ("A", "C", [same, cannot_link])):
        with pytest.raises(Contradiction) as found:
            log.add(EventKind.MERGE, "c", person=stays, other=goes)

        assert found.value.chain == chain  # from the one that stays to the other


def test_an_undo_that_cannot_be_names_what_counts_and_stands_against_it(log):
    undone = log.undo(log.add(EventKind.NOT_SAME, person="A", other="B"))
    merge = log.add(EventKind.MERGE, "a", person="B", other="A")

    with pytest.raises(Contradiction) as found:
        log.state.check(DecisionEvent(id="d4", seq=4, kind=EventKind.UNDO, undoes=undone))

    assert found.value.chain == [merge]


def test_a_merge_of_persons_separated_by_a_rejected_face_is_refused(log):
    yes = log.add(EventKind.CONFIRM, "f", person="A")
    no = log.add(EventKind.REJECT, "f", person="B")
    log.add(EventKind.CONFIRM, "f", person="A")

    with pytest.raises(Contradiction) as found:
        log.add(EventKind.MERGE, "x", person="B", other="A")

    assert found.value.chain[-1] == no
    assert yes not in found.value.chain  # the newer confirmation took its place


def test_one_profile_makes_persons_the_same_and_another_name_gives_way(log):
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    log.add(EventKind.CHOOSE_PROFILE, person="B", user="ada")
    assert log.state.are_same("A", "B")

    log.add(EventKind.CHOOSE_PROFILE, person="B", user="bob")
    assert not log.state.are_same("A", "B")

    log.add(EventKind.NOT_SAME, person="A", other="B")
    with pytest.raises(Contradiction):
        log.add(EventKind.CHOOSE_PROFILE, person="B", user="ada")


def test_persons_of_two_profiles_are_apart_until_one_name_is_undone(log):
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    named = log.add(EventKind.CHOOSE_PROFILE, person="B", user="bob")
    assert log.state.are_apart("A", "B")

    log.undo(named)
    assert not log.state.are_apart("A", "B")


def test_a_no_to_a_profile_gives_way_to_a_later_yes(log):
    log.add(EventKind.REJECT_PROFILE, person="A", user="ada")
    assert log.state.are_apart("A", "user:ada")

    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    assert not log.state.are_apart("A", "user:ada")


def test_undo_opens_only_what_it_undoes(log):
    one = log.add(EventKind.REJECT, "f", person="A")
    log.add(EventKind.REJECT, "g", person="A")

    log.undo(one)

    assert not log.state.is_rejected("f", "A")
    assert log.state.is_rejected("g", "A")


def test_the_undo_of_an_undo_lets_it_count_again(log):
    one = log.add(EventKind.REJECT, "f", person="A")
    first = log.undo(one)
    second = log.undo(first)
    assert log.state.is_rejected("f", "A")

    log.undo(second)
    assert not log.state.is_rejected("f", "A")


def test_an_undo_that_brings_a_contradiction_back_is_refused(log):
    one = log.add(EventKind.NOT_SAME, person="A", other="B")
    undone = log.undo(one)
    log.add(EventKind.MERGE, "a", person="B", other="A")

    with pytest.raises(Contradiction):
        log.undo(undone)

    assert log.state.are_same("A", "B")
    assert not log.state.is_active(one)


def test_versions_are_those_of_what_was_touched(log):
    log.add(EventKind.CONFIRM, "f", person="A")
    merge = log.add(EventKind.MERGE, "b", person="A", other="B")
    assert (log.state.version("f"), log.state.version("A"), log.state.version("B")) == (1, 2, 2)

    log.undo(merge)

    assert log.state.version("B") == 3
    assert [one.kind for one in log.state.since("A", 1)] == [EventKind.MERGE, EventKind.UNDO]


def test_a_state_replayed_at_once_equals_the_incremental_one(log):
    log.add(EventKind.CONFIRM, "f", person="A")
    log.undo(log.add(EventKind.MERGE, "b", person="A", other="B"))
    log.add(EventKind.IGNORE, "x")

    again = DecisionState(log.state.events.values())

    assert again.anchors() == log.state.anchors()
    assert again.out == log.state.out
    assert again.seq == log.state.seq
    assert again.version("A") == log.state.version("A")


def test_two_profiles_are_two_people(log):
    named = log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    other = log.add(EventKind.CONFIRM_PROFILE, person="B", user="bob")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.MERGE, person="A", other="B")

    assert refused.value.chain == [named, other]


def test_a_chain_of_merges_between_two_profiles_is_told_whole(log):
    first = log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    second = log.add(EventKind.MERGE, person="A", other="C")
    third = log.add(EventKind.CHOOSE_PROFILE, person="B", user="bob")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.MERGE, person="B", other="C")

    assert refused.value.chain == [third, first, second]


def test_another_name_takes_the_place_of_the_first(log):
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="bob")
    log.add(EventKind.CHOOSE_PROFILE, person="B", user="bob")
    log.add(EventKind.MERGE, person="A", other="B")

    assert log.state.profiles()["A"].user == "bob"


def test_of_an_erased_profile_nothing_follows(log):
    log.add(EventKind.CHOOSE_PROFILE, person="A")
    log.add(EventKind.REJECT_PROFILE, person="A")

    assert log.state.profiles() == {}
    assert log.state.cannot_link == {}


def test_moving_faces_to_a_profile_names_the_person(log):
    log.add(EventKind.MOVE, "f", person="A", user="ada")

    assert log.state.profiles()["A"].user == "ada"
    assert log.state.anchors() == {"f": "A"}


@pytest.mark.parametrize(
    "kind", [EventKind.REJECT, EventKind.MOVE, EventKind.SPLIT, EventKind.MERGE]
)
def test_a_corrected_person_is_kept_until_the_undo(log, kind):
    made = log.add(kind, "f", person="A", sources=("A",))
    assert log.state.shaped() == {"A"}

    log.undo(made)
    assert log.state.shaped() == set()

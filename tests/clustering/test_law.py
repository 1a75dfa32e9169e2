"""What follows from decisions, on rulings made by hand."""

import pytest

from clustering.decisions.kinds import NOISE, Kind, Ruling
from clustering.decisions.law import Contradiction, Law
from tests.clustering.deciding import Log


@pytest.fixture
def log():
    return Log()


def test_a_confirmed_face_is_an_anchor_of_its_person(log):
    log.add(Kind.CONFIRM, "f", person="A")

    assert log.law.anchors() == {"f": "A"}


def test_a_rejected_face_is_never_that_person_again(log):
    log.add(Kind.CONFIRM, "f", person="A")
    log.add(Kind.REJECT, "f", person="A", pins={"A": ("g",)})

    assert log.law.anchors() == {"g": "A"}
    assert log.law.is_rejected("f", "A")


def test_about_one_face_the_newest_decision_counts(log):
    log.add(Kind.REJECT, "f", person="A")
    log.add(Kind.MOVE, "f", person="A")
    assert log.law.anchors() == {"f": "A"}

    log.add(Kind.MOVE, "f", person="B")
    assert log.law.anchors() == {"f": "B"}

    log.add(Kind.MOVE, "f", person=NOISE)
    assert log.law.anchors() == {}
    assert list(log.law.alone) == ["f"]


def test_a_rejection_follows_a_merge(log):
    log.add(Kind.REJECT, "f", person="A")
    log.add(Kind.MERGE, "a1", "a2", person="B", other="A")

    assert log.law.is_rejected("f", "B")
    assert log.law.root("A") == "B"
    assert log.law.identity("A") == log.law.identity("B") != log.law.identity("C")
    assert log.law.anchors() == {"a1": "B", "a2": "B"}


def test_a_contradiction_is_told_with_its_chain(log):
    first = log.add(Kind.MERGE, "a", person="B", other="A")
    second = log.add(Kind.MERGE, "b", person="C", other="B")

    with pytest.raises(Contradiction) as found:
        log.add(Kind.NOT_SAME, person="A", other="C")

    assert found.value.chain == [first, second]
    assert log.law.seq == 2


def test_a_merge_against_a_chain_is_refused(log):
    same = log.add(Kind.MERGE, "a", person="B", other="A")
    apart = log.add(Kind.NOT_SAME, person="B", other="C")

    for stays, goes, chain in (("C", "A", [apart, same]), ("A", "C", [same, apart])):
        with pytest.raises(Contradiction) as found:
            log.add(Kind.MERGE, "c", person=stays, other=goes)

        assert found.value.chain == chain  # from the one that stays to the other


def test_an_undo_that_cannot_be_names_what_counts_and_stands_against_it(log):
    undone = log.undo(log.add(Kind.NOT_SAME, person="A", other="B"))
    merge = log.add(Kind.MERGE, "a", person="B", other="A")

    with pytest.raises(Contradiction) as found:
        log.law.check(Ruling(id="d4", seq=4, kind=Kind.UNDO, undoes=undone))

    assert found.value.chain == [merge]


def test_a_merge_of_whom_a_confirmed_face_was_rejected_from_is_refused(log):
    yes = log.add(Kind.CONFIRM, "f", person="A")
    no = log.add(Kind.REJECT, "f", person="B")
    log.add(Kind.CONFIRM, "f", person="A")

    with pytest.raises(Contradiction) as found:
        log.add(Kind.MERGE, "x", person="B", other="A")

    assert found.value.chain[-1] == no
    assert yes not in found.value.chain  # the newer confirmation took its place


def test_one_profile_makes_persons_the_same_and_another_name_gives_way(log):
    log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    log.add(Kind.CHOOSE_PROFILE, person="B", user="ada")
    assert log.law.are_same("A", "B")

    log.add(Kind.CHOOSE_PROFILE, person="B", user="bob")
    assert not log.law.are_same("A", "B")

    log.add(Kind.NOT_SAME, person="A", other="B")
    with pytest.raises(Contradiction):
        log.add(Kind.CHOOSE_PROFILE, person="B", user="ada")


def test_persons_of_two_profiles_are_apart_until_one_name_is_undone(log):
    log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    named = log.add(Kind.CHOOSE_PROFILE, person="B", user="bob")
    assert log.law.are_apart("A", "B")

    log.undo(named)
    assert not log.law.are_apart("A", "B")


def test_a_no_to_a_profile_gives_way_to_a_later_yes(log):
    log.add(Kind.REJECT_PROFILE, person="A", user="ada")
    assert log.law.are_apart("A", "user:ada")

    log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    assert not log.law.are_apart("A", "user:ada")


def test_undo_opens_only_what_it_undoes(log):
    one = log.add(Kind.REJECT, "f", person="A")
    log.add(Kind.REJECT, "g", person="A")

    log.undo(one)

    assert not log.law.is_rejected("f", "A")
    assert log.law.is_rejected("g", "A")


def test_the_undo_of_an_undo_lets_it_count_again(log):
    one = log.add(Kind.REJECT, "f", person="A")
    first = log.undo(one)
    second = log.undo(first)
    assert log.law.is_rejected("f", "A")

    log.undo(second)
    assert not log.law.is_rejected("f", "A")


def test_an_undo_that_brings_a_contradiction_back_is_refused(log):
    one = log.add(Kind.NOT_SAME, person="A", other="B")
    undone = log.undo(one)
    log.add(Kind.MERGE, "a", person="B", other="A")

    with pytest.raises(Contradiction):
        log.undo(undone)

    assert log.law.are_same("A", "B")
    assert not log.law.is_active(one)


def test_versions_are_those_of_what_was_touched(log):
    log.add(Kind.CONFIRM, "f", person="A")
    merge = log.add(Kind.MERGE, "b", person="A", other="B")
    assert (log.law.version("f"), log.law.version("A"), log.law.version("B")) == (1, 2, 2)

    log.undo(merge)

    assert log.law.version("B") == 3
    assert [one.kind for one in log.law.since("A", 1)] == [Kind.MERGE, Kind.UNDO]


def test_a_law_read_at_once_is_the_one_that_grew(log):
    log.add(Kind.CONFIRM, "f", person="A")
    log.undo(log.add(Kind.MERGE, "b", person="A", other="B"))
    log.add(Kind.IGNORE, "x")

    again = Law(log.law.rulings.values())

    assert again.anchors() == log.law.anchors()
    assert again.out == log.law.out
    assert again.seq == log.law.seq
    assert again.version("A") == log.law.version("A")


def test_two_profiles_are_two_people(log):
    named = log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    other = log.add(Kind.CONFIRM_PROFILE, person="B", user="bob")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.MERGE, person="A", other="B")

    assert refused.value.chain == [named, other]


def test_a_chain_of_merges_between_two_profiles_is_told_whole(log):
    first = log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    second = log.add(Kind.MERGE, person="A", other="C")
    third = log.add(Kind.CHOOSE_PROFILE, person="B", user="bob")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.MERGE, person="B", other="C")

    assert refused.value.chain == [third, first, second]


def test_another_name_takes_the_place_of_the_first(log):
    log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    log.add(Kind.CHOOSE_PROFILE, person="A", user="bob")
    log.add(Kind.CHOOSE_PROFILE, person="B", user="bob")
    log.add(Kind.MERGE, person="A", other="B")

    assert log.law.profiles()["A"].user == "bob"


def test_of_an_erased_profile_nothing_follows(log):
    log.add(Kind.CHOOSE_PROFILE, person="A")
    log.add(Kind.REJECT_PROFILE, person="A")

    assert log.law.profiles() == {}
    assert log.law.apart == {}


def test_moving_faces_to_a_profile_names_the_person(log):
    log.add(Kind.MOVE, "f", person="A", user="ada")

    assert log.law.profiles()["A"].user == "ada"
    assert log.law.anchors() == {"f": "A"}


@pytest.mark.parametrize("kind", [Kind.REJECT, Kind.MOVE, Kind.SPLIT, Kind.MERGE])
def test_whoever_somebody_corrected_is_kept_until_the_undo(log, kind):
    made = log.add(kind, "f", person="A", sources=("A",))
    assert log.law.shaped() == {"A"}

    log.undo(made)
    assert log.law.shaped() == set()

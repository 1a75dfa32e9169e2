"""What follows from decisions about one face, or about two persons, case by case."""

import pytest

from clustering.decisions.kinds import NOISE, Kind
from clustering.decisions.law import Contradiction
from tests.clustering.deciding import Log


@pytest.fixture
def log():
    return Log()


@pytest.mark.parametrize(
    ("decisions", "person", "is_open"),
    [
        ([], "", True),
        ([(Kind.CONFIRM, "A")], "A", False),
        ([(Kind.CONFIRM, "A"), (Kind.REJECT, "A")], "", True),
        ([(Kind.REJECT, "A")], "", True),
        ([(Kind.MOVE, "B"), (Kind.REJECT, "A")], "B", False),
        ([(Kind.MOVE, "B"), (Kind.REJECT, "B")], "", True),
        ([(Kind.MOVE, NOISE)], "", False),
        ([(Kind.MOVE, NOISE), (Kind.MOVE, "B"), (Kind.REJECT, "B")], "", True),
        ([(Kind.IGNORE, "")], "", False),
        ([(Kind.IGNORE, ""), (Kind.RESTORE, "")], "", True),
        ([(Kind.NOT_A_FACE, ""), (Kind.MOVE, "B")], "B", False),
        ([(Kind.IGNORE, ""), (Kind.MOVE, "B"), (Kind.REJECT, "B")], "", True),
        ([(Kind.CONFIRM, "A"), (Kind.IGNORE, "")], "", False),
        ([(Kind.CONFIRM, "A"), (Kind.IGNORE, ""), (Kind.RESTORE, "")], "A", False),
    ],
)
def test_what_is_decided_about_a_face_and_what_is_open_again(log, decisions, person, is_open):
    for kind, about in decisions:
        log.add(kind, "f", person=about)

    assert log.law.anchors() == ({"f": person} if person else {})
    assert log.law.is_open("f") is is_open
    assert log.law.is_decided("f") is bool(decisions)
    assert log.law.faces() >= ({"f"} if not is_open else set())
    assert log.law.is_open("another")
    assert not log.law.is_decided("another")


def test_a_decision_that_was_undone_is_no_decision_about_a_face(log):
    log.undo(log.add(Kind.CONFIRM, "f", person="A"))

    assert not log.law.is_decided("f")
    assert log.law.faces() == set()


def test_a_face_that_stood_for_a_person_and_was_moved_away_is_not_put_back(log):
    log.add(Kind.NOT_SAME, person="A", other="C", pins={"A": ("f", "g")})
    assert log.law.anchors() == {"f": "A", "g": "A"}
    assert log.law.faces() == {"f", "g"}

    log.add(Kind.MOVE, "f", person="B")
    log.add(Kind.REJECT, "f", person="B")

    assert log.law.anchors() == {"g": "A"}
    assert log.law.is_open("f")


def test_a_face_that_stood_for_a_person_and_was_rejected_is_open(log):
    log.add(Kind.NOT_SAME, person="A", other="C", pins={"A": ("f", "g")})

    log.add(Kind.REJECT, "f", person="A")

    assert log.law.anchors() == {"g": "A"}
    assert log.law.is_open("f")


def test_a_split_keeps_two_apart(log):
    split = log.add(Kind.SPLIT, "f", person="B", other="A")
    assert log.law.are_apart("A", "B")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.MERGE, "x", person="A", other="B")

    assert refused.value.chain == [split]


def test_a_split_of_what_was_merged_is_refused(log):
    merge = log.add(Kind.MERGE, "f", person="A", other="B")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.SPLIT, "f", person="B", other="A")

    assert refused.value.chain == [merge]


def test_a_merge_that_no_rejection_concerns_is_allowed(log):
    log.add(Kind.REJECT, "f", person="B")
    log.add(Kind.CONFIRM, "f", person="A")
    log.add(Kind.NOT_SAME, person="A", other="B")

    log.add(Kind.MERGE, "x", person="C", other="D")
    log.add(Kind.MERGE, "y", person="A", other="C")

    assert log.law.root("D") == "A"
    assert not log.law.are_apart("C", "D")


@pytest.mark.parametrize(("stays", "goes"), [("A", "C"), ("C", "A")])
def test_a_merged_person_is_the_profile_that_either_was(log, stays, goes):
    named = log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    merge = log.add(Kind.MERGE, "x", person=stays, other=goes)
    other = log.add(Kind.CHOOSE_PROFILE, person="B", user="bob")
    assert log.law.profiles()[stays].user == "ada"
    assert log.law.are_apart("C", "B")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.MERGE, "y", person="B", other="C")

    assert refused.value.chain == [other, named, merge]


def test_a_no_to_the_name_of_a_person_takes_its_place(log):
    log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    no = log.add(Kind.REJECT_PROFILE, person="A", user="ada")

    found = log.law.profiles()["A"]
    assert (found.user, found.refused, found.rulings) == ("", ["ada"], [no])


def test_a_no_to_another_profile_leaves_the_name(log):
    named = log.add(Kind.CHOOSE_PROFILE, person="A", user="ada")
    no = log.add(Kind.REJECT_PROFILE, person="A", user="bob")

    found = log.law.profiles()["A"]
    assert (found.user, found.refused, found.rulings) == ("ada", ["bob"], [named, no])


def test_a_no_to_a_profile_that_a_merged_person_has_is_refused(log):
    merge = log.add(Kind.MERGE, "x", person="A", other="B")
    named = log.add(Kind.CHOOSE_PROFILE, person="B", user="ada")

    with pytest.raises(Contradiction) as refused:
        log.add(Kind.REJECT_PROFILE, person="A", user="ada")

    assert refused.value.chain == [merge, named]


def test_profiles_that_were_refused_are_those_of_all_merged_persons(log):
    for number in range(8):
        log.add(Kind.REJECT_PROFILE, person=f"A{number}", user=f"ada{number}")
    for number in range(1, 4):
        log.add(Kind.MERGE, "x", person="A0", other=f"A{number}")
    log.add(Kind.NOT_SAME, person="A0", other="A7")

    assert log.law.refused("A2") == {"ada0", "ada1", "ada2", "ada3"}
    assert log.law.refused("A7") == {"ada7"}
    assert sorted(log.law.profiles()["A0"].refused) == ["ada0", "ada1", "ada2", "ada3"]


def test_covers_and_faces_allowed_twice_are_kept_until_the_undo(log):
    log.add(Kind.CHOOSE_COVER, "f", person="A")
    cover = log.add(Kind.CHOOSE_COVER, "g", person="A")
    twice = log.add(Kind.ALLOW_TWICE, "x", "y")
    assert log.law.covers == {"A": "g"}
    assert list(log.law.twice) == [frozenset(("x", "y"))]
    assert log.law.faces() == {"g", "x", "y"}
    assert log.law.is_open("x")

    log.undo(cover)
    log.undo(twice)

    assert log.law.covers == {"A": "f"}
    assert log.law.twice == {}


def test_persons_that_a_decision_or_its_undo_is_about(log):
    merge = log.add(Kind.MERGE, "x", person="A", other="B")
    undo = log.undo(log.undo(merge))

    assert log.law.persons_of(undo) == {"A", "B"}
    assert log.law.subject(undo).id == merge
    assert [(one, undone.id) for one, undone in log.law.undone_by().items()] == [("d2", "d3")]


@pytest.mark.parametrize(
    ("kind", "parts", "touched"),
    [
        (Kind.CONFIRM, {"faces": ("f",), "person": "A"}, {"f"}),
        (Kind.MOVE, {"faces": ("f",), "person": "A"}, {"f"}),
        (Kind.MOVE, {"faces": ("f",), "person": "A", "user": "ada"}, {"f", "A"}),
        (Kind.MERGE, {"faces": ("f",), "person": "A", "other": "B"}, {"f", "A", "B"}),
        (Kind.SPLIT, {"faces": ("f",), "person": "A", "other": "B"}, {"f", "A", "B"}),
        (Kind.NOT_SAME, {"person": "A", "other": "B"}, {"A", "B"}),
        (Kind.CHOOSE_PROFILE, {"person": "A", "user": "ada"}, {"A"}),
        (Kind.REJECT_PROFILE, {"person": "A", "user": "ada"}, {"A"}),
        (Kind.CHOOSE_COVER, {"faces": ("f",), "person": "A"}, {"A"}),
    ],
)
def test_a_decision_changes_the_version_of_what_it_touches_alone(log, kind, parts, touched):
    faces = parts.pop("faces", ())
    made = log.add(kind, *faces, **parts)

    versions = {entity: log.law.version(entity) for entity in ("f", "A", "B")}
    assert versions == {entity: int(entity in touched) for entity in versions}
    for entity in touched:
        assert [one.id for one in log.law.since(entity, 0)] == [made]
        assert log.law.since(entity, 1) == []

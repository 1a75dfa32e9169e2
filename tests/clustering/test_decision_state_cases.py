"""What follows from decisions about one face, or about two persons, case by case."""

import pytest

from clustering.decisions.events import NOISE, EventKind
from clustering.decisions.state import Contradiction
from tests.clustering.deciding import Log


@pytest.fixture
def log():
    return Log()


@pytest.mark.parametrize(
    ("decisions", "person", "is_open"),
    [
        ([], "", True),
        ([(EventKind.CONFIRM, "A")], "A", False),
        ([(EventKind.CONFIRM, "A"), (EventKind.REJECT, "A")], "", True),
        ([(EventKind.REJECT, "A")], "", True),
        ([(EventKind.MOVE, "B"), (EventKind.REJECT, "A")], "B", False),
        ([(EventKind.MOVE, "B"), (EventKind.REJECT, "B")], "", True),
        ([(EventKind.MOVE, NOISE)], "", False),
        ([(EventKind.MOVE, NOISE), (EventKind.MOVE, "B"), (EventKind.REJECT, "B")], "", True),
        ([(EventKind.IGNORE, "")], "", False),
        ([(EventKind.IGNORE, ""), (EventKind.RESTORE, "")], "", True),
        ([(EventKind.NOT_A_FACE, ""), (EventKind.MOVE, "B")], "B", False),
        ([(EventKind.IGNORE, ""), (EventKind.MOVE, "B"), (EventKind.REJECT, "B")], "", True),
        ([(EventKind.CONFIRM, "A"), (EventKind.IGNORE, "")], "", False),
        ([(EventKind.CONFIRM, "A"), (EventKind.IGNORE, ""), (EventKind.RESTORE, "")], "A", False),
    ],
)
def test_what_is_decided_about_a_face_and_what_is_open_again(log, decisions, person, is_open):
    for kind, about in decisions:
        log.add(kind, "f", person=about)

    assert log.state.anchors() == ({"f": person} if person else {})
    assert log.state.is_open("f") is is_open
    assert log.state.is_decided("f") is bool(decisions)
    assert log.state.faces() >= ({"f"} if not is_open else set())
    assert log.state.is_open("another")
    assert not log.state.is_decided("another")


def test_a_decision_that_was_undone_is_no_decision_about_a_face(log):
    log.undo(log.add(EventKind.CONFIRM, "f", person="A"))

    assert not log.state.is_decided("f")
    assert log.state.faces() == set()


def test_a_face_that_stood_for_a_person_and_was_moved_away_is_not_put_back(log):
    log.add(EventKind.NOT_SAME, person="A", other="C", pins={"A": ("f", "g")})
    assert log.state.anchors() == {"f": "A", "g": "A"}
    assert log.state.faces() == {"f", "g"}

    log.add(EventKind.MOVE, "f", person="B")
    log.add(EventKind.REJECT, "f", person="B")

    assert log.state.anchors() == {"g": "A"}
    assert log.state.is_open("f")


def test_a_face_that_stood_for_a_person_and_was_rejected_is_open(log):
    log.add(EventKind.NOT_SAME, person="A", other="C", pins={"A": ("f", "g")})

    log.add(EventKind.REJECT, "f", person="A")

    assert log.state.anchors() == {"g": "A"}
    assert log.state.is_open("f")


def test_a_split_keeps_two_apart(log):
    split = log.add(EventKind.SPLIT, "f", person="B", other="A")
    assert log.state.are_apart("A", "B")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.MERGE, "x", person="A", other="B")

    assert refused.value.chain == [split]


def test_a_split_of_what_was_merged_is_refused(log):
    merge = log.add(EventKind.MERGE, "f", person="A", other="B")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.SPLIT, "f", person="B", other="A")

    assert refused.value.chain == [merge]


def test_a_merge_that_no_rejection_concerns_is_allowed(log):
    log.add(EventKind.REJECT, "f", person="B")
    log.add(EventKind.CONFIRM, "f", person="A")
    log.add(EventKind.NOT_SAME, person="A", other="B")

    log.add(EventKind.MERGE, "x", person="C", other="D")
    log.add(EventKind.MERGE, "y", person="A", other="C")

    assert log.state.root("D") == "A"
    assert not log.state.are_apart("C", "D")


@pytest.mark.parametrize(("stays", "goes"), [("A", "C"), ("C", "A")])
def test_a_merged_person_is_the_profile_that_either_was(log, stays, goes):
    named = log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    merge = log.add(EventKind.MERGE, "x", person=stays, other=goes)
    other = log.add(EventKind.CHOOSE_PROFILE, person="B", user="bob")
    assert log.state.profiles()[stays].user == "ada"
    assert log.state.are_apart("C", "B")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.MERGE, "y", person="B", other="C")

    assert refused.value.chain == [other, named, merge]


def test_a_no_to_the_name_of_a_person_takes_its_place(log):
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    no = log.add(EventKind.REJECT_PROFILE, person="A", user="ada")

    found = log.state.profiles()["A"]
    assert (found.user, found.refused, found.events) == ("", ["ada"], [no])


def test_a_no_to_another_profile_leaves_the_name(log):
    named = log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    no = log.add(EventKind.REJECT_PROFILE, person="A", user="bob")

    found = log.state.profiles()["A"]
    assert (found.user, found.refused, found.events) == ("ada", ["bob"], [named, no])


def test_a_no_to_a_profile_that_a_merged_person_has_is_refused(log):
    merge = log.add(EventKind.MERGE, "x", person="A", other="B")
    named = log.add(EventKind.CHOOSE_PROFILE, person="B", user="ada")

    with pytest.raises(Contradiction) as refused:
        log.add(EventKind.REJECT_PROFILE, person="A", user="ada")

    assert refused.value.chain == [merge, named]


def test_profiles_that_were_refused_are_those_of_all_merged_persons(log):
    for number in range(8):
        log.add(EventKind.REJECT_PROFILE, person=f"A{number}", user=f"ada{number}")
    for number in range(1, 4):
        log.add(EventKind.MERGE, "x", person="A0", other=f"A{number}")
    log.add(EventKind.NOT_SAME, person="A0", other="A7")

    assert log.state.refused("A2") == {"ada0", "ada1", "ada2", "ada3"}
    assert log.state.refused("A7") == {"ada7"}
    assert sorted(log.state.profiles()["A0"].refused) == ["ada0", "ada1", "ada2", "ada3"]


def test_covers_and_faces_allowed_twice_are_kept_until_the_undo(log):
    log.add(EventKind.CHOOSE_COVER, "f", person="A")
    cover = log.add(EventKind.CHOOSE_COVER, "g", person="A")
    same_image_allowed = log.add(EventKind.ALLOW_TWICE, "x", "y")
    assert log.state.covers == {"A": "g"}
    assert list(log.state.same_image_allowed) == [frozenset(("x", "y"))]
    assert log.state.faces() == {"g", "x", "y"}
    assert log.state.is_open("x")

    log.undo(cover)
    log.undo(same_image_allowed)

    assert log.state.covers == {"A": "f"}
    assert log.state.same_image_allowed == {}


def test_persons_that_a_decision_or_its_undo_is_about(log):
    merge = log.add(EventKind.MERGE, "x", person="A", other="B")
    undo = log.undo(log.undo(merge))

    assert log.state.persons_of(undo) == {"A", "B"}
    assert log.state.subject(undo).id == merge
    assert [(one, undone.id) for one, undone in log.state.undone_by().items()] == [("d2", "d3")]


@pytest.mark.parametrize(
    ("kind", "parts", "touched"),
    [
        (EventKind.CONFIRM, {"faces": ("f",), "person": "A"}, {"f"}),
        (EventKind.MOVE, {"faces": ("f",), "person": "A"}, {"f"}),
        (EventKind.MOVE, {"faces": ("f",), "person": "A", "user": "ada"}, {"f", "A"}),
        (EventKind.MERGE, {"faces": ("f",), "person": "A", "other": "B"}, {"f", "A", "B"}),
        (EventKind.SPLIT, {"faces": ("f",), "person": "A", "other": "B"}, {"f", "A", "B"}),
        (EventKind.NOT_SAME, {"person": "A", "other": "B"}, {"A", "B"}),
        (EventKind.CHOOSE_PROFILE, {"person": "A", "user": "ada"}, {"A"}),
        (EventKind.REJECT_PROFILE, {"person": "A", "user": "ada"}, {"A"}),
        (EventKind.CHOOSE_COVER, {"faces": ("f",), "person": "A"}, {"A"}),
    ],
)
def test_a_decision_changes_the_version_of_what_it_touches_alone(log, kind, parts, touched):
    faces = parts.pop("faces", ())
    made = log.add(kind, *faces, **parts)

    versions = {entity: log.state.version(entity) for entity in ("f", "A", "B")}
    assert versions == {entity: int(entity in touched) for entity in versions}
    for entity in touched:
        assert [one.id for one in log.state.since(entity, 0)] == [made]
        assert log.state.since(entity, 1) == []

"""What follows from decisions, on rulings made by hand."""

import pytest

from clustering.decisions.kinds import NOISE, Kind, Ruling
from clustering.decisions.law import Contradiction, Law


class Log:
    """Write rulings one after the other."""

    def __init__(self):
        self.law = Law()

    def add(self, kind, *faces, **parts):
        ruling = Ruling(
            id=f"d{self.law.seq + 1}", seq=self.law.seq + 1, kind=kind, faces=faces, **parts
        )
        self.law.add(ruling)
        return ruling.id

    def undo(self, decision):
        return self.add(Kind.UNDO, undoes=decision)


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

"""Which person a new cluster continues, and what a run counts as changed."""

import numpy as np
import pytest

from clustering.decisions.events import NOISE, DecisionEvent, EventKind
from clustering.decisions.state import DecisionState
from clustering.documents import Run
from clustering.pipeline.constraints import RowConstraints
from clustering.pipeline.identity import (
    assign_identities,
    changes_of,
    decisions_broken_by,
    new_person,
)

RUN = Run(id="r" * 24)


def continued(labels, before, *, anchored=None, state=None):
    """Return the person of each label; faces are named after their row."""
    ids = [str(row) for row in range(len(labels))]
    return assign_identities(
        np.asarray(labels),
        ids=ids,
        run=RUN,
        before={face: person for face, person in zip(ids, before, strict=True) if person},
        anchored=anchored or {},
        state=state or DecisionState(),
    )


def new(number):
    return new_person(RUN.id, f"cluster_{number}")


def test_a_cluster_is_the_person_it_has_most_faces_of():
    assert continued([0, 0, 0], ["A", "B", "B"]) == {0: "B"}


def test_who_splits_stays_in_the_larger_part_and_the_other_part_is_a_new_person():
    assert continued([1, 1, 0, 0, 0], ["A"] * 5) == {0: "A", 1: new(1)}
    assert continued([0, 0, 1, 1, 1], ["A"] * 5) == {0: new(0), 1: "A"}


def test_of_two_equal_parts_the_one_of_the_lower_number_goes_on():
    assert continued([1, 1, 0, 0], ["A"] * 4) == {0: "A", 1: new(1)}


def test_the_second_choice_counts_where_the_first_is_taken():
    labels = [0] * 5 + [1] * 5
    before = ["A"] * 5 + ["A", "A", "A", "B", "B"]

    assert continued(labels, before) == {0: "A", 1: "B"}


def test_noise_continues_no_person():
    assert continued([0, 0, 0, -1], [NOISE, NOISE, "A", "B"]) == {0: "A"}
    assert continued([0, 0], [NOISE, NOISE]) == {0: new(0)}
    assert continued([0, 0], ["", ""]) == {0: new(0)}
    assert continued([-1, -1], ["A", "A"]) == {}


def test_a_decided_face_says_who_its_cluster_is_whatever_the_others_were():
    assert continued([0, 0, 0, 1], ["B", "B", "B", "B"], anchored={0: "A"}) == {0: "A", 1: "B"}
    assert continued([0, 0, 1, 1], ["A", "A", "B", "B"], anchored={2: "A"}) == {0: new(0), 1: "A"}


def test_a_merged_person_is_continued_as_the_one_it_became():
    state = DecisionState(
        [DecisionEvent(id="d1", seq=1, kind=EventKind.MERGE, person="A", other="B", faces=("0",))]
    )

    assert continued([0, 0, 0, 1], ["B", "B", "A", "C"], state=state) == {0: "A", 1: "C"}


def test_new_people_differ_by_run_and_by_cluster():
    people = {new_person(run, f"cluster_{n}") for run in ("r", "s") for n in range(2)}

    assert len(people) == 4
    assert new_person("r", "cluster_0") in people


def changed(labels, before, persons):
    ids = [str(row) for row in range(len(labels))]
    before = {face: person for face, person in zip(ids, before, strict=True) if person}
    return changes_of(np.asarray(labels), ids=ids, before=before, persons=persons)


def test_what_changes_is_counted():
    nothing = {"moved_faces": 0, "new_faces": 0, "merged_clusters": 0, "split_clusters": 0}

    same = changed([0, 0, 1, -1], ["A", "A", "B", NOISE], {0: "A", 1: "B"})
    came = changed([0, 0, -1], ["A", "", ""], {0: "A"})
    merged = changed([0, 0, 0], ["A", "A", "B"], {0: "A"})
    split = changed([0, 0, 1], ["A", "A", "A"], {0: "A", 1: "X"})
    left = changed([0, -1, 0], ["A", "A", NOISE], {0: "A"})

    assert same == nothing
    assert came == {**nothing, "new_faces": 2}
    assert merged == {**nothing, "moved_faces": 1, "merged_clusters": 1}
    assert split == {**nothing, "moved_faces": 1, "split_clusters": 1}
    assert left == {**nothing, "moved_faces": 2}  # to and from noise is neither


@pytest.mark.parametrize(
    ("labels", "broken"),
    [
        ([0, 1, -1, 1, 0], 0),
        ([1, 1, -1, 1, 0], 1),  # what was moved to A is elsewhere
        ([-1, 1, -1, 1, 0], 1),
        ([0, 0, -1, 1, 0], 1),  # what was rejected from A is there
        ([0, 1, 1, 1, 0], 1),  # what is to be by itself is with others
        ([1, 0, 0, 1, 0], 3),
        ([0, -1, -1, 1, 1], 0),  # nothing was decided about the last two
    ],
)
def test_faces_that_are_elsewhere_than_was_decided_are_counted(labels, broken):
    state = DecisionState(
        [
            DecisionEvent(id="d1", seq=1, kind=EventKind.MOVE, person="A", faces=("moved",)),
            DecisionEvent(id="d2", seq=2, kind=EventKind.REJECT, person="A", faces=("rejected",)),
            DecisionEvent(id="d3", seq=3, kind=EventKind.MOVE, person=NOISE, faces=("alone",)),
        ]
    )
    decided = RowConstraints(state, {"moved": 0, "rejected": 1, "alone": 2})

    assert decisions_broken_by(np.asarray(labels), {0: "A", 1: "B"}, decided) == broken

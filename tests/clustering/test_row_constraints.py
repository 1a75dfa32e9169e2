"""Decisions as constraints on the rows of a run: pairs, anchors, and faces known again."""

import numpy as np
import pytest

from clustering.decisions.events import NOISE, EventKind
from clustering.pipeline import constraints
from clustering.pipeline.constraints import RowConstraints, rows_of_shaped_persons
from tests.clustering.deciding import Log

ROWS = {"a": 4, "b": 0, "c": 2, "d": 3}
KEYS = ["one.png", "two.png", "one.png", "three.png", "two.png"]


@pytest.fixture
def log():
    return Log()


def test_rows_of_one_person_share_a_number_and_those_of_one_photo_an_image(log):
    log.add(EventKind.CONFIRM, "a", "b", person="A")
    log.add(EventKind.CONFIRM, "c", person="B")
    log.add(EventKind.CONFIRM, "not in this run", person="C")

    found = RowConstraints(log.state, ROWS).constraints(KEYS)

    assert found.anchors.tolist() == [0, -1, 1, -1, 0]
    assert found.images.tolist() == [0, 1, 0, 2, 1]
    assert found.cannot_link.tolist() == found.same_image_allowed.tolist() == []


def test_a_decision_about_a_face_takes_precedence_over_the_person_it_was_kept_with(log):
    log.add(EventKind.CONFIRM, "a", person="A")

    decided = RowConstraints(log.state, ROWS, kept={4: "B", 1: "B"})

    assert decided.row_persons() == {4: "A", 1: "B"}
    assert decided.constraints(KEYS).anchors.tolist() == [-1, 1, -1, -1, 0]


def test_a_rejected_face_is_apart_from_one_row_of_each_person_of_that_identity(log):
    log.add(EventKind.CONFIRM, "a", "b", person="A")
    log.add(EventKind.CHOOSE_PROFILE, person="A", user="ada")
    log.add(EventKind.CONFIRM, "c", person="A2")
    log.add(EventKind.CHOOSE_PROFILE, person="A2", user="ada")
    log.add(EventKind.REJECT, "d", person="A")
    log.add(EventKind.REJECT, "not in this run", person="A")

    found = RowConstraints(log.state, ROWS).constraints(KEYS).cannot_link.tolist()

    persons = {0: "A", 4: "A", 2: "A2"}
    assert [one for one, _ in found] == [3, 3]
    assert {persons[other] for _, other in found} == {"A", "A2"}


def test_a_face_that_was_moved_to_the_noise_is_alone_unless_it_is_kept_with_a_person(log):
    log.add(EventKind.MOVE, "a", "c", "not in this run", person=NOISE)

    assert RowConstraints(log.state, ROWS).constraints(KEYS).singletons.tolist() == [2, 4]
    kept = RowConstraints(log.state, ROWS, kept={2: "A"}).constraints(KEYS)
    assert kept.singletons.tolist() == [4]


def test_a_pair_that_may_share_an_image_needs_both_faces(log):
    log.add(EventKind.ALLOW_TWICE, "a", "b")
    log.add(EventKind.ALLOW_TWICE, "c", "not in this run")

    found = RowConstraints(log.state, ROWS).constraints(KEYS)

    assert found.same_image_allowed.tolist() == [[0, 4]]


def test_open_faces_of_a_corrected_person_are_kept_with_the_person(log):
    log.add(EventKind.REJECT, "out", person="A")
    log.add(EventKind.MERGE, person="B", other="A")
    log.add(EventKind.CONFIRM, "sure", person="A")
    log.add(EventKind.CONFIRM, "c", person="C")
    before = {"open": "A", "out": "A", "sure": "A", "c2": "C", "also": "B"}

    found = rows_of_shaped_persons(log.state, ["new", "c2", "out", "open", "sure", "also"], before)

    assert found == {3: "B", 5: "B"}


@pytest.mark.parametrize("block", [1, 2, 4096])
def test_a_face_is_known_again_by_the_most_similar_row_that_is_free(monkeypatch, block):
    monkeypatch.setattr(constraints, "BLOCK", block)
    rows = np.eye(6, dtype=np.float32)
    rows[4] = rows[1] + 0.1 * rows[5]
    rows[4] /= np.linalg.norm(rows[4])
    lost = {"x": rows[3], "y": rows[1], "z": rows[0], "far": (rows[2] + rows[3]) / np.sqrt(2)}

    found = constraints._match_same_pictures(lost, rows, np.array([1, 2, 3, 4]))

    assert found == {"x": 3, "y": 1}

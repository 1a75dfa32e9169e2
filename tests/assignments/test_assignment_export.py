"""Assignments counted, and exported as CSV and JSON."""

import csv
import io
import json
import re

import pytest

from tests.assignments.conftest import ADA, NO_RUN, ROW, stored

pytestmark = pytest.mark.services

STATS = "/api/v1/assignments/stats/"
EXPORT = "/api/v1/export/assignments/"


def text(answer):
    return b"".join(answer.streaming_content).decode()


def test_statistics_count_by_person_collection_and_strategy(matched, assign, viewer):
    assign()

    body = viewer.get(STATS).json()

    assert (body["total"]["clusters"], body["total"]["faces"]) == (3, 7)
    assert {name: (one["clusters"], one["faces"]) for name, one in body["per_user"].items()} == {
        "ada": (1, 3),
        "bob": (2, 4),
    }
    assert body["per_collection"].keys() == {matched.name.path}
    assert {name: one["clusters"] for name, one in body["per_strategy"].items()} == {
        "centroid": 2,
        "manual": 1,
    }
    assert 0.97 < body["total"]["average_similarity"] <= 1


def test_statistics_of_nothing_are_zeros(album, viewer):
    assert viewer.get(STATS).json() == {
        "total": {"clusters": 0, "faces": 0, "average_similarity": 0.0},
        "per_user": {},
        "per_collection": {},
        "per_strategy": {},
    }


def test_statistics_are_of_what_readers_see(matched, viewer):
    matched.photos((ADA,), first=20)
    matched.run()

    assert len(stored()) == 4
    assert viewer.get(STATS).json()["total"]["clusters"] == 2


@pytest.mark.parametrize("which", ["", "run={run}", "collection={path}"])
def test_exports_hold_what_the_list_holds(matched, viewer, which):
    query = which.format(run=matched.current.id, path=matched.name.path)
    rows = viewer.get(matched.address).json()["assignments"]

    as_json = viewer.get(f"{EXPORT}?format=json&{query}".rstrip("&"))
    as_csv = viewer.get(f"{EXPORT}?{query}")

    assert as_json["Content-Type"] == "application/json"
    assert 'filename="assignments.json"' in as_json["Content-Disposition"]
    assert json.loads(text(as_json)) == {"assignments": rows}
    assert as_csv["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(text(as_csv))))
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert line.keys() == ROW
        assert line["user_id"] == row["user_id"]
        assert json.loads(line["similarity"]) == row["similarity"]
        assert json.loads(line["runner_up"]) == row["runner_up"]
        assert json.loads(line["rejected"]) == row["rejected"]


def test_no_spreadsheet_runs_what_an_export_holds(album, people, viewer):
    for number, user_id in enumerate(("@cmd", "-1-1", "plain")):
        people.enrol(user_id, 10 + number)
    run = album.cluster((10, 11, 12), (10, 11, 12))
    album.match(run)

    whole = text(viewer.get(EXPORT))

    lines = list(csv.DictReader(io.StringIO(whole)))
    assert {line["user_id"] for line in lines} == {"'@cmd", "'-1-1", "plain"}
    cells = [cell for line in csv.reader(io.StringIO(whole)) for cell in line]
    assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?!\d+(\.\d+)?$)", cell)]
    as_json = json.loads(text(viewer.get(f"{EXPORT}?format=json")))
    assert {row["user_id"] for row in as_json["assignments"]} == {"@cmd", "-1-1", "plain"}


def test_an_export_of_nothing_is_a_head_and_an_empty_list(album, viewer):
    assert text(viewer.get(EXPORT)).count("\n") == 1
    assert json.loads(text(viewer.get(f"{EXPORT}?format=json"))) == {"assignments": []}


BAD_EXPORTS = [
    ("format=xml", 422),
    ("format=csv&format=json", 422),
    ("run=x", 422),
    ("run=%00", 422),
    (f"run={NO_RUN}", 404),
    ("collection=painted/nowhere", 404),
    ("collection=UP", 422),
    ("collection=painted/%00", 422),
    (f"collection={'a' * 1101}", 422),
]


def test_an_export_that_cannot_be_is_refused_before_its_first_line(matched, viewer):
    for query, status in BAD_EXPORTS:
        answer = viewer.get(f"{EXPORT}?{query}")
        assert answer.status_code == status, query
        assert "code" in answer.json(), query

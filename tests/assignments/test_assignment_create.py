"""Saying by hand whose a cluster is."""

import pytest

from assignments import manual
from clustering.decisions.documents import Decision
from tests.assignments.conftest import ADA, ALL, BOB, NO_RUN, ROW, at, stored

pytestmark = pytest.mark.services


def test_a_cluster_is_assigned_assignand_read(matched, assign, viewer):
    made = assign()

    row = made.json()
    assert (made.status_code, row.keys()) == (201, ROW)
    assert {name: row[name] for name in ("user_id", "strategy", "state", "cluster_id")} == {
        "user_id": "bob",
        "strategy": "manual",
        "state": "confirmed",
        "cluster_id": matched.eve,
    }
    assert row["decided_by"] not in ("", "machine")
    assert (row["similarity"], row["runner_up"], row["rejected"]) == (1.0, None, [])
    assert viewer.get(at(row["id"])).json() == row


def test_what_is_assigned_needs_overwrite(matched, assign, viewer):
    refused = assign(matched.ada)
    before = viewer.get(matched.address).json()

    done = assign(matched.ada, overwrite=True)

    assert (refused.status_code, refused.json()["code"]) == (409, "assignment_exists")
    assert refused.json()["user_id"] == "ada"
    assert refused.json()["assignment_id"] == done.json()["id"]
    assert {row["user_id"] for row in before["assignments"]} == {"ada", "bob"}
    assert (done.status_code, done.json()["user_id"]) == (201, "bob")


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_creates_at_once_one_wins_and_the_other_is_told(
    matched, assign, monkeypatch, overwrite
):
    decide = manual._decide

    def late(*arguments, **named):
        monkeypatch.setattr(manual, "_decide", decide)
        assert assign(user_id="ada").status_code == 201
        decide(*arguments, **named)

    monkeypatch.setattr(manual, "_decide", late)
    second = assign(user_id="bob", overwrite=overwrite)

    assert (second.status_code, second.json()["code"]) == (409, "assignment_exists")
    assert second.json()["user_id"] == "ada"
    assert matched.held(matched.current, matched.eve).user_id == "ada"
    assert Decision.objects.count() == 1


def test_the_same_key_creates_once(matched, assign, reviewer):
    reviewer.credentials(
        HTTP_AUTHORIZATION=reviewer._credentials["HTTP_AUTHORIZATION"], HTTP_IDEMPOTENCY_KEY="k"
    )

    first, again = assign(), assign()

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Decision.objects.count() == 1


def test_noise_cannot_be_assigned(album, people, reviewer):
    people.enrol("ada", ADA)
    run = album.cluster((ADA,), (BOB,), (BOB,))
    body = {"clustering_id": run.id, "cluster_id": "noise", "user_id": "ada"}

    answer = reviewer.post(ALL, body, format="json")

    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_person")


def test_a_cluster_of_an_earlier_run_is_not_assigned(matched, assign, ada_row, reviewer):
    matched.photos((ADA,), first=20)
    second = matched.run()

    created = assign(matched.ada, overwrite=True)
    changed = reviewer.patch(at(ada_row["id"]), {"state": "confirmed"}, format="json")

    for answer in (created, changed):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_current")
        assert answer.json()["clustering_id"] == second.id


def test_a_run_that_shares_groups_is_assigned_under_its_own_id(matched, assign, viewer):
    again = matched.run()

    row = assign(clustering_id=again.id).json()

    assert (row["clustering_id"], again.shares_groups_of) == (again.id, matched.current.id)
    rows = viewer.get(matched.address).json()["assignments"]
    assert {one["clustering_id"] for one in rows} == {again.id}
    assert matched.held(again, matched.eve).user_id == "bob"


BAD_INPUTS = [
    ({"clustering_id": NO_RUN}, 404, "no_run"),
    ({"cluster_id": "cluster_99"}, 404, "no_such_cluster"),
    ({"cluster_id": "cluster_x"}, 404, "no_such_cluster"),
    ({"cluster_id": "cluster_-1"}, 404, "no_such_cluster"),
    ({"cluster_id": "../cluster_0"}, 404, "no_such_cluster"),
    ({"user_id": "nobody"}, 404, "no_such_profile"),
    ({"user_id": "ADA"}, 404, "no_such_profile"),
    ({"clustering_id": "x"}, 422, "invalid"),
    ({"clustering_id": None}, 422, "invalid"),
    ({"clustering_id": 5}, 422, "invalid"),
    ({"cluster_id": ""}, 422, "invalid"),
    ({"cluster_id": ["cluster_0"]}, 422, "invalid"),
    ({"cluster_id": {"$gt": ""}}, 422, "invalid"),
    ({"cluster_id": "c" * 41}, 422, "invalid"),
    ({"cluster_id": "cluster_0\x00"}, 422, "invalid"),
    ({"user_id": "bob\x00"}, 422, "invalid"),
    ({"user_id": {"$ne": ""}}, 422, "invalid"),
    ({"user_id": True}, 422, "invalid"),
    ({"user_id": "u" * 65}, 422, "invalid"),
    ({"overwrite": "maybe"}, 422, "invalid"),
    ({"overwrite": None}, 422, "invalid"),
]


def test_what_cannot_be_assigned_is_refused(matched, assign):
    before = stored()

    for wrong, status, code in BAD_INPUTS:
        answer = assign(**wrong)
        assert (answer.status_code, answer.json()["code"]) == (status, code), wrong
        assert stored() == before, wrong
        assert Decision.objects.count() == 0, wrong


NO_OBJECTS = ["[]", '"x"', "null", "7", "[{}]"]


def test_a_body_that_is_no_object_is_refused(matched, reviewer, ada_row):
    for body in NO_OBJECTS:
        for answer in (
            reviewer.post(ALL, body, content_type="application/json"),
            reviewer.patch(at(ada_row["id"]), body, content_type="application/json"),
        ):
            assert answer.status_code in (400, 422), body
            assert answer.json()["code"] in ("invalid", "parse_error"), body


NO_JSON = ["{", "", '{"user_id": NaN', b"\xff\xfe"]


def test_a_body_that_is_no_json_is_refused(matched, reviewer):
    for body in NO_JSON:
        answer = reviewer.post(ALL, body, content_type="application/json")
        assert answer.status_code in (400, 422), body


def test_nan_is_no_version(matched, reviewer, ada_row):
    body = '{"state": "confirmed", "version": NaN}'

    answer = reviewer.patch(at(ada_row["id"]), body, content_type="application/json")

    assert answer.status_code in (400, 422)
    assert stored()[ada_row["id"]]["state"] == "assigned"

"""Changing and deleting assignments, one and all of a run's."""

import pytest

from clustering.decisions.documents import Decision
from clustering.decisions.events import EventKind
from tests.assignments.conftest import ADA, NO_RUN, at, stored

pytestmark = pytest.mark.services

STATS = "/api/v1/assignments/stats/"


@pytest.mark.parametrize("state", ["confirmed", "rejected"])
def test_a_person_agrees_or_refuses(matched, ada_row, reviewer, state):
    answer = reviewer.patch(at(ada_row["id"]), {"state": state, "version": 1}, format="json")

    row = answer.json()
    assert (answer.status_code, row["state"], row["user_id"]) == (200, state, "ada")
    assert row["rejected"] == (["ada"] if state == "rejected" else [])
    assert row["version"] == 2
    assert row["similarity"] == ada_row["similarity"]
    assert row["decided_by"] not in ("", "machine")
    kind = Decision.objects.first().kind
    assert kind == (EventKind.CONFIRM_PROFILE if state == "confirmed" else EventKind.REJECT_PROFILE)


def test_a_rejected_cluster_is_unassigned_in_totals_and_counts(matched, ada_row, reviewer, viewer):
    reviewer.patch(at(ada_row["id"]), {"state": "rejected"}, format="json")

    assert viewer.get("/assignments/user/ada").json()["total_clusters"] == 0
    assert viewer.get(STATS).json()["total"]["clusters"] == 1


def test_another_person_is_chosen(matched, ada_row, reviewer):
    row = reviewer.patch(at(ada_row["id"]), {"user_id": "bob"}, format="json").json()

    assert (row["user_id"], row["state"], row["strategy"]) == ("bob", "confirmed", "manual")


def test_a_change_to_what_changed_meanwhile_is_refused(matched, ada_row, reviewer):
    reviewer.patch(at(ada_row["id"]), {"state": "confirmed"}, format="json")

    answer = reviewer.patch(at(ada_row["id"]), {"state": "rejected", "version": 1}, format="json")
    deleted = reviewer.delete(f"{at(ada_row['id'])}?version=1")

    for one in (answer, deleted):
        assert (one.status_code, one.json()["code"]) == (409, "stale")
        assert one.json()["assignment"] == {"user_id": "ada", "state": "confirmed", "version": 2}


BAD_CHANGES = [
    ({"state": "assigned"}, 422),
    ({"state": ""}, 422),
    ({"state": ["confirmed"]}, 422),
    ({"state": None}, 422),
    ({"version": 0, "state": "confirmed"}, 422),
    ({"version": "x", "state": "confirmed"}, 422),
    ({"version": 2**63, "state": "confirmed"}, 422),
    ({"version": 1.5, "state": "confirmed"}, 422),
    ({"user_id": ""}, 422),
    ({"user_id": "a\x00"}, 422),
    ({"user_id": "nobody"}, 404),
    ({"version": 9, "state": "confirmed"}, 409),
]


def test_a_change_that_cannot_be_is_refused(matched, ada_row, reviewer):
    for body, status in BAD_CHANGES:
        answer = reviewer.patch(at(ada_row["id"]), body, format="json")
        assert answer.status_code == status, body
        assert Decision.objects.count() == 0, body


def test_a_machines_word_is_deleted_and_may_be_said_again(matched, ada_row, reviewer):
    answer = reviewer.delete(f"{at(ada_row['id'])}?version=1")

    assert (answer.status_code, answer.content) == (204, b"")
    assert reviewer.get(at(ada_row["id"])).status_code == 404
    assert reviewer.post(matched.address).json()["assigned_clusters"] == 1


def test_deleting_what_people_said_undoes_all_of_it(matched, ada_row, reviewer):
    for user_id in ("bob", "ada"):
        reviewer.patch(at(ada_row["id"]), {"user_id": user_id}, format="json")

    answer = reviewer.delete(at(ada_row["id"]))

    assert answer.status_code == 204
    assert reviewer.get(at(ada_row["id"])).status_code == 404
    matched.photos((ADA,), first=20)
    assert matched.ada not in matched.owners(matched.run())


def test_a_runs_assignments_are_deleted_at_once(matched, assign, reviewer):
    assign()
    address = f"/assignments/clustering/{matched.current.id}"

    answer = reviewer.delete(address)

    assert answer.status_code == 200
    assert answer.json() == {"clustering_id": matched.current.id, "deleted_count": 3}
    assert stored() == {}
    assert reviewer.delete(address).json()["deleted_count"] == 0


UNKNOWN_RUNS = [NO_RUN, "x", "%00"]


def test_the_assignments_of_an_unknown_run_are_not_found(matched, reviewer):
    for run in UNKNOWN_RUNS:
        answer = reviewer.delete(f"/assignments/clustering/{run}")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_run"), run
        assert len(stored()) == 2, run


UNKNOWN_IDS = [NO_RUN, "x", "%00", "a%00b", "é", "a" * 500]


def test_an_unknown_assignment_is_not_found(matched, reviewer):
    for assignment_id in UNKNOWN_IDS:
        for answer in (
            reviewer.get(at(assignment_id)),
            reviewer.patch(at(assignment_id), {"state": "confirmed"}, format="json"),
            reviewer.delete(at(assignment_id)),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_assignment"), (
                assignment_id
            )

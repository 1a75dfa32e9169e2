"""Matching over HTTP, and who may do what with assignments."""

import pytest

from profiles.services import hide_profile
from storage.errors import StoreUnavailable
from tests.assignments.conftest import ADA, ALL, NO_RUN, ROW, at, stored

pytestmark = pytest.mark.services

STATS = "/api/v1/assignments/stats/"
EXPORT = "/api/v1/export/assignments/"


def test_a_collection_is_matched_and_read(family, reviewer, viewer):
    address = f"/assignments/{family.name.path}"

    done = reviewer.post(f"{address}?strategy=vote&threshold=0.6&margin=0.01").json()
    read = viewer.get(address).json()

    assert done.keys() == {
        *("clustering_id", "bucket_path", "threshold", "margin", "strategy", "dry_run"),
        *("total_clusters", "assigned_clusters", "unassigned_clusters", "assignments"),
        *("unassigned_cluster_ids", "unassigned_reasons", "saved_to_db", "kept", "removed"),
        "timestamp",
    }
    assert (done["strategy"], done["threshold"], done["margin"]) == ("vote", 0.6, 0.01)
    assert done["timestamp"].endswith("Z")
    assert (read["clustering_id"], read["bucket_path"]) == (family.current.id, family.name.path)
    assert (read["total_assignments"], read["next"]) == (2, None)
    assert all(row.keys() == ROW for row in read["assignments"])
    assert {row["cluster_id"]: row["user_id"] for row in read["assignments"]} == {
        label: one["user_id"] for label, one in done["assignments"].items()
    }


def test_a_run_is_matched_and_read_under_its_own_address(family, reviewer, viewer):
    address = f"/api/v1/runs/{family.current.id}/assignments/"

    done = reviewer.post(address).json()

    assert done["assigned_clusters"] == 2
    assert viewer.get(address).json() == viewer.get(f"/assignments/{family.name.path}").json()


def test_a_dry_run_over_http_writes_nothing(family, reviewer):
    answer = reviewer.post(f"/assignments/{family.name.path}?dry_run=true").json()

    assert (answer["saved_to_db"], answer["assigned_clusters"], stored()) == (False, 2, {})


def test_an_earlier_run_is_matched_when_it_is_named(family, reviewer, viewer):
    first, address = family.current, f"/assignments/{family.name.path}"
    family.photos((4,), (4,), first=20)
    second = family.run()

    done = reviewer.post(f"{address}?clustering_id={first.id}").json()

    assert done["clustering_id"] == first.id
    assert viewer.get(address).json()["clustering_id"] == second.id
    assert viewer.get(address).json()["total_assignments"] == 0
    assert viewer.get(f"{address}?clustering_id={first.id}").json()["total_assignments"] == 2


def test_without_profiles_matching_is_a_conflict(album, reviewer):
    album.cluster((ADA,), (ADA,))

    answer = reviewer.post(f"/assignments/{album.name.path}")

    assert (answer.status_code, answer.json()["code"]) == (409, "no_profiles")


BAD_QUERIES = [
    *("threshold=nan", "threshold=inf", "threshold=-0.1", "threshold=1.1", "threshold=x"),
    *("margin=nan", "margin=2", "margin=-1", "strategy=manual", "strategy=", "threshold="),
    *("dry_run=maybe", "overwrite=7", "clustering_id=x", f"clustering_id={NO_RUN}%00"),
    *("threshold=0.5&threshold=0.6", "strategy=vote&strategy=vote", "clustering_id=%00"),
    *(f"clustering_id={'A' * 24}", "threshold=0.5%00"),
]


def test_a_query_that_is_not_valid_is_refused_and_writes_nothing(family, reviewer):
    for query in BAD_QUERIES:
        answer = reviewer.post(f"/assignments/{family.name.path}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), query
        assert list(answer.json()["errors"]) == [query.partition("=")[0]], query
        assert stored() == {}, query


@pytest.mark.parametrize("method", ["get", "post"])
def test_unknown_collections_and_runs_are_not_found(family, reviewer, method):
    call = getattr(reviewer, method)
    other = f"/assignments/{family.name.path}-other"
    for address in (
        other,
        f"/assignments/{family.name.path}?clustering_id={NO_RUN}",
        f"{other}?clustering_id={family.current.id}",
        f"/api/v1/runs/{NO_RUN}/assignments/",
        "/api/v1/runs/what-is-this/assignments/",
        "/api/v1/runs/%00/assignments/",
    ):
        answer = call(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_run"), address


NO_COLLECTIONS = ["user/a/b", "clustering/a/b", "UP/x", "painted/%00", "painted/.."]


def test_names_that_no_collection_has_are_refused(family, reviewer):
    for path in NO_COLLECTIONS:
        for answer in (reviewer.get(f"/assignments/{path}"), reviewer.post(f"/assignments/{path}")):
            assert answer.status_code in (400, 404, 422), path
            assert answer.json()["code"] != "internal_error", path


def test_viewers_read_and_do_not_write(matched, viewer, assign, ada_row):
    run = matched.current.id
    before = stored()

    assert [
        viewer.get(address).status_code
        for address in (
            *(ALL, STATS, EXPORT, at(ada_row["id"]), matched.address),
            *(f"/api/v1/runs/{run}/assignments/", "/assignments/user/ada"),
        )
    ] == [200] * 7
    for answer in (
        assign(client=viewer),
        viewer.patch(at(ada_row["id"]), {"state": "confirmed"}, format="json"),
        viewer.delete(at(ada_row["id"])),
        viewer.post(matched.address),
        viewer.post(f"/api/v1/runs/{run}/assignments/"),
        viewer.delete(f"/assignments/clustering/{run}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert stored() == before


def test_admins_write_as_well(matched, admin, assign):
    made = assign(client=admin)

    assert made.status_code == 201
    assert admin.delete(at(made.json()["id"])).status_code == 204


def test_strangers_see_nothing(matched, client, assign, ada_row):
    run = matched.current.id
    addresses = (
        *(ALL, STATS, EXPORT, at(ada_row["id"]), matched.address),
        *(f"/api/v1/runs/{run}/assignments/", "/assignments/user/ada"),
        f"/assignments/clustering/{run}",
    )

    for method in ("get", "post", "patch", "delete"):
        for address in addresses:
            assert getattr(client, method)(address).status_code == 401, (method, address)
    assert len(stored()) == 2


def test_a_person_being_erased_cannot_be_chosen_and_is_not_found(matched, assign, viewer):
    hide_profile("bob")

    assert assign().json()["code"] == "no_such_profile"
    assert viewer.get("/assignments/user/bob").status_code == 404


def test_a_store_that_is_away_is_503(matched, viewer, monkeypatch):
    def away(*_, **__):
        raise StoreUnavailable("away", store="mongodb")

    monkeypatch.setattr("assignments.api.assignments.map_groups_to_runs", away)

    assert viewer.get(STATS).status_code == viewer.get(EXPORT).status_code == 503

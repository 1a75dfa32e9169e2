"""GET /api/v1/collections/ and /api/v1/collections/{bucket}/{sub}/."""

import pytest

from clustering.documents import Collection

pytestmark = pytest.mark.services


def address(painted):
    return f"/api/v1/collections/{painted.name.bucket}/{painted.name.sub}/"


@pytest.fixture
def finished(painted):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.paint("alone.png", 2)
    return painted.run()


def test_the_list_tells_what_exists_with_counts_and_runs(painted, finished, viewer):
    body = viewer.get("/api/v1/collections/").json()

    (row,) = body["collections"]
    assert (row["path"], row["url"]) == (painted.name.path, address(painted))
    assert (row["total_images"], row["total_faces"], row["num_clusters"]) == (3, 3, 1)
    assert row["current_run"]["clustering_id"] == row["newest_run"]["clustering_id"] == finished.id
    assert row["current_run"]["is_current"] is True
    assert body["next"] is None


def test_pages_of_the_list_miss_nothing(stores, viewer):
    paths = [f"bucket/c{number}" for number in range(5)]
    for path in paths:
        Collection(path=path, bucket="bucket", sub=path.rpartition("/")[2]).save(force_insert=True)

    first = viewer.get("/api/v1/collections/", {"limit": 2}).json()
    second = viewer.get("/api/v1/collections/", {"limit": 2, "cursor": first["next"]}).json()
    third = viewer.get("/api/v1/collections/", {"limit": 2, "cursor": second["next"]}).json()

    pages = [[row["path"] for row in page["collections"]] for page in (first, second, third)]
    assert pages == [paths[:2], paths[2:4], paths[4:]]
    assert third["next"] is None


def test_a_collection_whose_first_run_works_has_no_current_run(painted, viewer):
    painted.paint("a.png", 1)
    run = painted.start()

    body = viewer.get(address(painted)).json()

    assert body["current_run"] is None
    assert body["newest_run"]["clustering_id"] == run.id
    assert (body["total_faces"], body["newest_run"]["total_faces"]) == (0, None)


def test_one_collection_shows_its_newest_runs_first(painted, finished, viewer):
    second = painted.run()

    body = viewer.get(address(painted)).json()

    assert [run["clustering_id"] for run in body["runs"]] == [second.id, finished.id]
    assert [run["is_current"] for run in body["runs"]] == [True, False]
    assert viewer.get(body["runs_url"]).json()["runs"] == body["runs"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nobody/knows", 404, "no_run"),
        ("bad%20bucket/x", 422, "invalid_name"),
        ("bucket/a/../b", 422, "invalid_name"),
        ("bucket/a%00b", 422, "invalid_name"),
        ("bucket/" + "x" * 1100, 422, "invalid_name"),
        ("user/anything", 404, "no_run"),
    ],
)
def test_a_name_that_is_unknown_or_none_is_refused(stores, viewer, path, status, code):
    answer = viewer.get(f"/api/v1/collections/{path}/")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=1&limit=2", "limit=", "limit=NaN"],
)
def test_a_limit_that_is_none_is_422(stores, viewer, query):
    assert viewer.get(f"/api/v1/collections/?{query}").status_code == 422


@pytest.mark.parametrize("cursor", ["!", "AAAA", "ä", "x" * 4000])
def test_a_cursor_that_is_none_is_refused(stores, viewer, cursor):
    answer = viewer.get("/api/v1/collections/", {"cursor": cursor})

    assert answer.status_code in (400, 422)


def test_a_stranger_sees_nothing(painted, finished, client):
    assert client.get("/api/v1/collections/").status_code == 401
    assert client.get(address(painted)).status_code == 401
    assert client.get("/api/v1/collections/nobody/knows/").status_code == 401

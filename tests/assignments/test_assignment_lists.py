"""Lists of assignments: pages, filters, a person's, totals."""

import pytest

from tests.assignments.conftest import ADA, ALL, NO_RUN
from web.pagination import encode_cursor

pytestmark = pytest.mark.services


@pytest.fixture
def many(album, people):
    """Seven people, each with a cluster."""
    for number in range(7):
        people.enrol(f"u{number}", 10 + number)
    everybody = tuple(range(10, 17))
    album.current = album.cluster(everybody, everybody)
    album.match(album.current)
    return album


def pages(client, address, name="assignments"):
    """Return every page of a list."""
    found, cursor = [], ""
    while cursor is not None:
        body = client.get(f"{address}{cursor}").json()
        found.append(body[name])
        cursor = body["next"] and f"&cursor={body['next']}"
    return found


@pytest.mark.parametrize("limit", [1, 3, 7, 8])
def test_pages_of_every_list_hold_everything_once_in_order(many, viewer, limit):
    path, run = many.name.path, many.current.id
    whole = viewer.get(f"/assignments/{path}").json()["assignments"]
    sizes = [min(limit, 7 - first) for first in range(0, 7, limit)]

    for address in (
        f"/assignments/{path}?",
        f"/api/v1/runs/{run}/assignments/?",
        f"{ALL}?",
        f"{ALL}?run={run}&",
        f"{ALL}?collection={path}&",
    ):
        found = pages(viewer, f"{address}limit={limit}")
        assert [len(page) for page in found] == sizes
        assert [row for page in found for row in page] == whole
    assert len(whole) == 7
    assert [row["cluster_id"] for row in whole] == [f"cluster_{rank}" for rank in range(7)]


def test_the_pages_of_a_person_are_newest_first_with_totals_over_all(family, viewer):
    family.match(family.current)
    collections = [family]
    for number in range(4):
        other = type(family)(family.folder.parent.parent)
        other.engine = family.engine
        other.current = other.cluster((ADA,), (ADA,), *([(ADA,)] * number))
        other.match(other.current)
        collections.append(other)

    found = pages(viewer, "/assignments/user/ada?limit=2")
    whole = viewer.get("/assignments/user/ada").json()

    assert [len(page) for page in found] == [2, 2, 1]
    assert [row for page in found for row in page] == whole["assignments"]
    assert [row["bucket_path"] for row in whole["assignments"]] == [
        one.name.path for one in reversed(collections)
    ]
    assert (whole["total_clusters"], whole["total_faces"]) == (5, 3 + 2 + 3 + 4 + 5)
    assert whole["bucket_breakdown"][family.name.path] == {"clusters": 1, "faces": 3}
    similarities = [row["similarity"] for row in whole["assignments"]]
    assert whole["average_similarity"] == pytest.approx(sum(similarities) / 5, abs=1e-6)
    totals = viewer.get("/assignments/user/ada?limit=1").json()
    assert {name: totals[name] for name in ("total_clusters", "total_faces")} == {
        name: whole[name] for name in ("total_clusters", "total_faces")
    }
    assert pages(viewer, f"{ALL}?user_id=ada&limit=3")[0][0]["id"] == whole["assignments"][0]["id"]


def test_an_earlier_run_counts_for_a_person_only_in_the_history(family, viewer):
    family.match(family.current)
    family.photos((ADA,), first=20)
    second = family.run()

    now = viewer.get("/assignments/user/ada").json()
    history = viewer.get("/assignments/user/ada?history=true").json()

    assert [row["clustering_id"] for row in now["assignments"]] == [second.id]
    assert {row["clustering_id"] for row in history["assignments"]} == {
        *(family.current.id, second.id)
    }


def test_a_person_in_no_photo_has_no_assignments(matched, people, viewer):
    people.enrol("cid", 7)

    body = viewer.get("/assignments/user/cid").json()

    assert body == {
        "user_id": "cid",
        "total_clusters": 0,
        "total_faces": 0,
        "average_similarity": 0.0,
        "bucket_breakdown": {},
        "assignments": [],
        "next": None,
    }


UNKNOWN_PEOPLE = ["nobody", "%00", "a%20b", "x" * 65, "ADA"]


def test_an_unknown_person_is_404(matched, viewer):
    for user_id in UNKNOWN_PEOPLE:
        answer = viewer.get(f"/assignments/user/{user_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_such_profile"), user_id


def test_filters_choose_among_all(matched, assign, viewer):
    assign()

    def found(**query):
        return {row["cluster_id"] for row in viewer.get(ALL, query).json()["assignments"]}

    assert found() == {matched.ada, matched.bob, matched.eve}
    assert found(user_id="bob") == {matched.bob, matched.eve}
    assert found(user_id="bob", strategy="manual") == {matched.eve}
    assert found(state="confirmed") == {matched.eve}
    assert found(strategy="centroid", user_id="ada") == {matched.ada}
    assert found(collection=matched.name.path, state="assigned") == {matched.ada, matched.bob}
    assert found(run=matched.current.id, user_id="ada") == {matched.ada}
    assert found(user_id="nobody") == set()


def test_a_filter_by_run_holds_beside_a_person(matched, viewer):
    first = matched.current
    matched.photos((ADA,), first=20)
    second = matched.run()

    for run in (first, second):
        found = viewer.get(ALL, {"user_id": "ada", "run": run.id}).json()["assignments"]
        assert [row["clustering_id"] for row in found] == [run.id]


BAD_PAGES = [
    *(
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1.5",
        "limit=",
        "limit=1&limit=2",
        "limit=nan",
    ),
    *("cursor=", "cursor=a%00", f"cursor={'a' * 501}", "limit=99999999999999999999"),
]


def test_a_page_that_is_not_valid_is_refused(matched, viewer):
    for query in BAD_PAGES:
        for address in (
            ALL,
            matched.address,
            f"/api/v1/runs/{matched.current.id}/assignments/",
            "/assignments/user/ada",
        ):
            answer = viewer.get(f"{address}?{query}")
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), (address, query)


def test_a_cursor_of_another_list_is_refused(matched, viewer):
    for cursor in (encode_cursor("elsewhere/1"), "!!!", "é", encode_cursor(f"{NO_RUN}/\x00")):
        for address in (matched.address, "/assignments/user/ada"):
            answer = viewer.get(address, {"cursor": cursor})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), cursor


BAD_FILTERS = [
    "state=gone",
    "strategy=x",
    "run=x",
    "user_id=" + "u" * 65,
    "user_id=%00",
    "state=&run=",
]


def test_a_filter_that_is_not_valid_is_refused(matched, viewer):
    for query in BAD_FILTERS:
        answer = viewer.get(f"{ALL}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), query


def test_a_collection_and_a_person_are_of_what_readers_see(matched, viewer):
    matched.photos((ADA,), first=20)
    second = matched.run()

    found = viewer.get(ALL, {"user_id": "ada", "collection": matched.name.path}).json()

    assert [row["clustering_id"] for row in found["assignments"]] == [second.id]


def test_a_page_may_hold_fewer_than_fit_and_the_next_ones_hold_the_rest(many, viewer):
    many.decide("confirm_profile", "cluster_4", many.held(many.current, "cluster_4").user_id)

    found = pages(viewer, f"{ALL}?state=confirmed&limit=2")

    assert [len(page) for page in found] == [0, 0, 1, 0]
    assert found[2][0]["cluster_id"] == "cluster_4"


def test_a_filter_by_what_is_not_there_is_not_found(matched, viewer):
    nowhere = {"collection": "painted/nowhere"}
    for query in ({"run": NO_RUN}, nowhere, {"run": matched.current.id, **nowhere}):
        answer = viewer.get(ALL, query)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_run")

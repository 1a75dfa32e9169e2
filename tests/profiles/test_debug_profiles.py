"""GET /debug-profiles."""

import pytest

pytestmark = pytest.mark.services

ADDRESS = "/debug-profiles"


def test_a_profile_is_shown_without_its_vector(people, admin):
    people.enrol("ada", 1, name="Ada")
    people.update("ada", 1, shade=40)

    body = admin.get(ADDRESS).json()

    [row] = body.pop("profiles")
    assert body == {"total_profiles": 1, "next": None}
    assert row.pop("created_at").endswith("Z")
    assert row.pop("updated_at").endswith("Z")
    assert row == {
        "user_id": "ada",
        "name": "Ada",
        "embedding_size": 32,
        "model": "painted+painted-vectors",
        "reference_photos": 2,
        "confidence": 0.9,
        "quality_score": 0.65,
        "has_bbox": True,
    }


def test_pages_are_consecutive_and_complete(people, admin):
    for person in range(7):
        people.enrol(f"u{person}", person)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        body = admin.get(ADDRESS, {"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        assert body["total_profiles"] == 7
        seen += [row["user_id"] for row in body["profiles"]]
        cursor, pages = body["next"], pages + 1

    assert (seen, pages) == ([f"u{person}" for person in range(7)], 3)


def test_ten_are_shown_by_default(people, admin):
    for person in range(11):
        people.enrol(f"u{person:02}", person)

    body = admin.get(ADDRESS).json()

    assert (len(body["profiles"]), body["total_profiles"]) == (10, 11)
    assert body["next"]


def test_no_profiles_is_an_empty_list(people, admin):
    assert admin.get(ADDRESS).json() == {"total_profiles": 0, "profiles": [], "next": None}


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "limit=%00"],
)
def test_limits_out_of_bounds_are_422(people, admin, query):
    answer = admin.get(f"{ADDRESS}?{query}")

    assert (answer.status_code, set(answer.json()["errors"])) == (422, {"limit"})


@pytest.mark.parametrize("cursor", ["ä", "%00", "a", "AA", "!!!!"])
def test_an_invalid_cursor_is_no_500(people, admin, cursor):
    people.enrol("ada", 1)

    assert admin.get(f"{ADDRESS}?cursor={cursor}").status_code in (200, 400, 422)


def test_admins_only(people, viewer, reviewer, client):
    assert [one.get(ADDRESS).status_code for one in (viewer, reviewer)] == [403, 403]
    assert client.get(ADDRESS).status_code == 401

"""/api/v1/profiles/: find people, read and rename one, their photos."""

import pytest

from profiles import selectors, services
from profiles.documents import MAX_NAME

pytestmark = pytest.mark.services

ADDRESS = "/api/v1/profiles/"


@pytest.fixture
def four(people):
    people.enrol("u1", 1, name="Ada Lovelace")
    people.enrol("u2", 2, name="ÉMILIE du Châtelet")
    people.enrol("ada.king", 3, name="Countess")
    people.enrol("U3", 4)
    return people


def found(client, **query):
    return [row["user_id"] for row in client.get(ADDRESS, query).json()["profiles"]]


def test_people_are_listed_by_id(four, viewer):
    body = viewer.get(ADDRESS).json()

    assert [row["user_id"] for row in body["profiles"]] == ["U3", "ada.king", "u1", "u2"]
    assert body["next"] is None
    row = body["profiles"][2]
    assert row.keys() == {
        *("user_id", "name", "reference_photos", "quality_score", "model", "version"),
        *("created_at", "updated_at", "crop_url"),
    }
    assert viewer.get(row["crop_url"]).status_code == 200


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("ada", ["u1", "ada.king"]),
        ("ADA ", ["u1", "ada.king"]),
        ("ada  love", ["u1"]),
        ("emilie", ["u2"]),
        ("Émilie DU chat", ["u2"]),
        ("u", ["u1", "u2", "U3"]),
        ("lovelace", []),
        ("c", ["ada.king"]),
        ("", ["U3", "ada.king", "u1", "u2"]),
        (".*", []),
        ("$", []),
        ("ada lovelace\tu1", []),
        ("\U0010ffff", []),
        ("\u0301", ["U3", "u1", "ada.king", "u2"]),
    ],
)
def test_people_are_found_by_how_name_or_id_begins(four, viewer, q, expected):
    assert found(viewer, q=q) == expected


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_search_pages_are_complete(four, viewer, limit):
    four.enrol("ada2", 5, name="Ada Zed")
    seen, cursor = [], ""
    while True:
        query = {"q": "ada", "limit": limit, **({"cursor": cursor} if cursor else {})}
        body = viewer.get(ADDRESS, query).json()
        seen += [row["user_id"] for row in body["profiles"]]
        cursor = body["next"]
        if not cursor:
            break

    assert seen == ["u1", "ada2", "ada.king"]


def test_a_cursor_of_another_list_is_400(four, viewer):
    of_all = viewer.get(ADDRESS, {"limit": 1}).json()["next"]
    of_search = viewer.get(ADDRESS, {"limit": 1, "q": "u"}).json()["next"]

    answers = [
        viewer.get(ADDRESS, {"cursor": of_all, "q": "u"}),
        viewer.get(ADDRESS, {"cursor": of_search}),
    ]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(400, "bad_cursor")] * 2
    assert found(viewer, cursor=of_search, q="zoe") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "q=%00", "q=a&q=b", f"q={'a' * 101}"])
def test_queries_out_of_bounds_are_422(four, viewer, query):
    assert viewer.get(f"{ADDRESS}?{query}").status_code == 422


def test_a_person_is_read_with_photos(four, viewer):
    second = four.update("u1", 1, shade=5)

    body = viewer.get(f"{ADDRESS}u1/").json()

    photo = body["photos"][1]
    assert (body["user_id"], body["name"], body["version"]) == ("u1", "Ada Lovelace", 2)
    assert (body["reference_photos"], len(body["photos"])) == (2, 2)
    assert photo["face_id"] == second.reference.id
    assert (photo["bbox"], photo["width"], photo["height"]) == ([10.0, 5.0, 100.0, 120.5], 32, 8)
    assert photo["added_by"] == "test"
    assert viewer.get(photo["crop_url"]).content == four.stores.crops.read(second.reference.id)


def test_a_person_gets_another_name(four, reviewer, viewer):
    answer = reviewer.patch(f"{ADDRESS}u1/", {"name": " Grace "}, format="json")

    assert (answer.status_code, answer.json()["name"]) == (200, "Grace")
    assert found(viewer, q="grace") == ["u1"]
    assert found(viewer, q="ada") == ["ada.king"]
    assert reviewer.patch(f"{ADDRESS}u1/", {"name": ""}, format="json").json()["name"] == ""


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], None, "x", {"name": None}, {"name": []}, {"name": {"$gt": ""}}),
        *({"name": "n" * (MAX_NAME + 1)}, {"name": "\x00"}, {"name": "a\tb"}, {"name": True}),
    ],
)
def test_a_name_that_is_none_is_422(four, reviewer, body):
    assert reviewer.patch(f"{ADDRESS}u1/", body, format="json").status_code == 422
    assert selectors.get_profile("u1").name == "Ada Lovelace"


@pytest.mark.parametrize("body", [b"{", b'{"name": "\\ud800"}', b'{"name": NaN}', b"\xff"])
def test_json_that_is_none_is_refused(four, reviewer, body):
    answer = reviewer.generic("PATCH", f"{ADDRESS}u1/", body, "application/json")

    assert answer.status_code in (400, 422)


def test_a_photo_is_dropped_but_not_the_last(four, reviewer):
    [first] = selectors.get_profile("u1").references
    second = four.update("u1", 1, shade=5).reference.id

    dropped = reviewer.delete(f"{ADDRESS}u1/photos/{first}/")
    again = reviewer.delete(f"{ADDRESS}u1/photos/{first}/")
    last = reviewer.delete(f"{ADDRESS}u1/photos/{second}/")

    assert (dropped.status_code, dropped.content) == (204, b"")
    assert (again.status_code, again.json()["code"]) == (404, "no_such_photo")
    assert (last.status_code, last.json()["code"]) == (409, "last_photo")


def test_crops_of_active_photos_are_served_and_cached_by_browsers(four, viewer):
    [mine] = selectors.get_profile("u1").references
    address = f"{ADDRESS}u1/photos/{mine}/crop/"
    answer = viewer.get(address)

    kept = viewer.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    other = viewer.get(f"{ADDRESS}u2/photos/{mine}/crop/")
    services.hide_profile("u1")
    hidden = viewer.get(address)

    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert answer.content.startswith(b"\xff\xd8")
    assert (kept.status_code, kept.content) == (304, b"")
    assert (other.status_code, other.json()["code"]) == (404, "no_such_photo")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "no_such_profile")


@pytest.mark.parametrize("part", ["", "photos/x/crop/"])
def test_an_unknown_id_is_404_and_a_malformed_id_is_400(people, viewer, part):
    unknown = viewer.get(f"{ADDRESS}eve/{part}")
    odd = viewer.get(f"{ADDRESS}a%00b/{part}")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_profile")
    assert (odd.status_code, odd.json()["code"]) == (400, "bad_user_id")


def test_roles(four, viewer, client):
    [mine] = selectors.get_profile("u1").references
    reads = [ADDRESS, f"{ADDRESS}u1/", f"{ADDRESS}u1/photos/{mine}/crop/"]

    assert [viewer.get(one).status_code for one in reads] == [200] * 3
    assert [client.get(one).status_code for one in reads] == [401] * 3
    assert viewer.patch(f"{ADDRESS}u1/", {"name": "x"}, format="json").status_code == 403
    assert viewer.delete(f"{ADDRESS}u1/photos/{mine}/").status_code == 403

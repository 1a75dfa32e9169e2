"""PUT /update-face/{user_id}."""

import pytest

from profiles import selectors, services
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services


@pytest.fixture
def put(people, reviewer, send):
    def put(photo=None, *, user_id="ada", client=reviewer, **fields):
        return send(client, "put", f"/update-face/{user_id}", photo, **fields)

    return put


def test_a_photo_joins_the_others(people, put):
    first = people.enrol("ada", 1)

    answer = put(photo_of(1, shade=1))

    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {
        *("user_id", "has_face", "message", "face_quality", "confidence", "reason", "face_id"),
        *("bbox", "model", "checks", "reference_photos", "version"),
    }
    assert (body["user_id"], body["has_face"], body["reason"]) == ("ada", True, None)
    assert (body["reference_photos"], body["version"]) == (2, 2)
    assert selectors.get_profile("ada").references == [first.reference.id, body["face_id"]]


def test_the_same_photo_again_is_answered_as_before(people, put):
    people.enrol("ada", 1)

    first, again = put(photo_of(1, shade=1)), put(photo_of(1, shade=1))

    assert (again.status_code, again.json()) == (200, first.json())


def test_a_photo_takes_the_place_of_all_others(people, put):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=1)

    answer = put(photo_of(1, shade=2), mode="replace")

    assert (answer.status_code, answer.json()["reference_photos"]) == (200, 1)
    people.assert_only(answer.json()["face_id"])


def test_a_face_of_another_person_is_409_unless_forced(people, put):
    people.enrol("ada", 1)

    refused = put(photo_of(2))
    forced = put(photo_of(2), force="true")

    assert (refused.status_code, refused.json()["code"]) == (409, "not_the_same_person")
    assert -1 <= refused.json()["similarity"] < 0.8
    assert forced.status_code == 200


def test_one_photo_too_many_is_422(people, put, monkeypatch):
    monkeypatch.setattr(services, "MAX_PHOTOS", 1)
    people.enrol("ada", 1)

    answer = put(photo_of(1, shade=1))

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_photos")


def test_an_unknown_id_is_404_and_a_malformed_id_is_400(people, put):
    people.enrol("ada", 1)

    unknown, case = put(photo_of(1), user_id="eve"), put(photo_of(1), user_id="ADA")
    odd = [put(photo_of(1), user_id=one) for one in ("a%20b", "%C3%A4", "a%00", "...", "a" * 65)]

    assert [one.json()["code"] for one in (unknown, case)] == ["no_such_profile"] * 2
    assert {(one.status_code, one.json()["code"]) for one in odd} == {(400, "bad_user_id")}
    assert people.engine.decoded == 1  # the one that enrolled


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        (photo_of(), "no_face"),
        (photo_of(1, 2), "several_faces"),
        (photo_of(1, blurred={1}), "poor_face"),
    ],
)
def test_photos_are_refused_as_when_enrolling(people, put, photo, code):
    people.enrol("ada", 1)

    answer = put(photo)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["user_id"] == "ada"
    assert answer.json()["debug_info"]["detailed_checks"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "merge"), ("mode", ""), ("mode", "ADD"), ("min_face_size", "9"), ("force", "x")],
)
def test_parameters_out_of_bounds_are_422(people, put, field, value):
    people.enrol("ada", 1)

    answer = put(photo_of(1), **{field: value})

    assert (answer.status_code, set(answer.json()["errors"])) == (422, {field})


def test_a_missing_photo_is_422_and_no_image_is_415(people, put):
    people.enrol("ada", 1)

    assert (put().status_code, set(put().json()["errors"])) == (422, {"file"})
    assert put(b"words").status_code == 415


def test_json_is_415(people, reviewer):
    answer = reviewer.put("/update-face/ada", {"file": "x"}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_reviewers_update(people, viewer, client, put):
    people.enrol("ada", 1)

    assert put(photo_of(1), client=viewer).status_code == 403
    assert client.put("/update-face/ada").status_code == 401


def test_photos_of_another_model_are_409(people, put):
    people.enrol("ada", 1)
    people.engine.embedder_id = "other-vectors"

    answer = put(photo_of(1))

    assert (answer.status_code, answer.json()["code"]) == (409, "model_mismatch")
    assert put(photo_of(1), mode="replace", force="true").status_code == 200

"""GET and DELETE /debug-profile/{user_id}."""

import pytest

from profiles import selectors, services
from storage.errors import StoreUnavailable
from storage.pictures import PictureStore
from tests.profiles.painted import photo_of
from web.models import IdempotentRequest

pytestmark = pytest.mark.services

ADDRESS = "/debug-profile/ada"
NO_ROWS = {"kept_answers": 0, "messages": 0, "login_attempts": 0, "failed_tasks": 0}


def test_all_of_a_person_is_shown_without_a_vector(people, admin):
    people.enrol("ada", 1, name="Ada")
    people.update("ada", 1, shade=1)

    body = admin.get(ADDRESS).json()

    assert body.keys() >= {
        *("user_id", "name", "embedding_size", "model", "reference_photos", "confidence"),
        *("quality_score", "created_at", "updated_at", "has_bbox", "photos"),
    }
    assert (body["user_id"], body["name"], body["reference_photos"]) == ("ada", "Ada", 2)
    assert [one["face_id"] for one in body["photos"]] == selectors.get_profile("ada").references
    assert all(admin.get(one["crop_url"]).status_code == 200 for one in body["photos"])
    assert not {"vector", "template", "embedding"} & {*body, *body["photos"][0]}


def test_erasing_answers_with_a_receipt_by_store(people, admin):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=1)
    other = people.enrol("Ada", 2)

    answer = admin.delete(ADDRESS)

    body = answer.json()
    assert answer.status_code == 200
    assert body.pop("erased_at").endswith("Z")
    assert body.pop("detail") == "Nothing of this person is left."
    assert body == {
        "user_id": "ada",
        "complete": True,
        "pending": [],
        "removed": {
            "mongodb": {
                "profiles": 1,
                "reference_photos": 2,
                "vectors": 3,
                "assignments": 0,
                "decisions": 0,
                "import_lines": 0,
            },
            "files": {"photos": 2, "crops": 2, "log_files": 0},
            "login_database": NO_ROWS,
        },
        "left": {
            "mongodb": {
                "profiles": 0,
                "reference_photos": 0,
                "vectors": 0,
                "assignments": 0,
                "decisions": 0,
                "import_lines": 0,
            },
            "files": {"photos": 0, "crops": 0, "log_files": 0},
            "login_database": NO_ROWS,
        },
    }
    people.assert_only(other.reference.id)
    assert admin.delete(ADDRESS).status_code == admin.get(ADDRESS).status_code == 404


def test_answers_kept_for_repeated_requests_are_erased_too(people, admin, send):
    admin.credentials(
        HTTP_AUTHORIZATION=admin._credentials["HTTP_AUTHORIZATION"], HTTP_IDEMPOTENCY_KEY="k"
    )
    send(admin, "post", "/detect-face", photo_of(1), user_id="ada")
    assert IdempotentRequest.objects.count() == 1

    body = admin.delete(ADDRESS).json()

    assert body["removed"]["login_database"]["kept_answers"] == 1
    kept = IdempotentRequest.objects.values("path", "body", "location")
    assert "ada" not in repr(list(kept))


def test_a_request_that_is_sent_again_does_not_bring_an_erased_person_back(people, admin, send):
    admin.credentials(
        HTTP_AUTHORIZATION=admin._credentials["HTTP_AUTHORIZATION"], HTTP_IDEMPOTENCY_KEY="k"
    )
    send(admin, "post", "/detect-face", photo_of(1), user_id="ada")
    admin.delete(ADDRESS)

    again = send(admin, "post", "/detect-face", photo_of(1), user_id="ada")

    assert (again.status_code, again.json()["code"]) == (409, "person_erased")
    people.assert_only()


def test_an_erasure_that_was_cut_short_hides_the_person_and_can_be_repeated(
    people, admin, monkeypatch
):
    people.enrol("ada", 1)
    with monkeypatch.context() as patch:

        def away(*_):
            raise StoreUnavailable("away", store="crops")

        patch.setattr(PictureStore, "delete", away)
        first = admin.delete(ADDRESS)
    hidden = admin.get(ADDRESS)

    again = admin.delete(ADDRESS)

    assert (first.status_code, hidden.status_code) == (503, 404)
    assert (again.status_code, again.json()["complete"]) == (200, True)
    people.assert_only()


def test_an_unknown_id_is_404_and_a_malformed_id_is_400(people, admin):
    for method in (admin.get, admin.delete):
        unknown, odd = method("/debug-profile/eve"), method("/debug-profile/%00")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_profile")
        assert (odd.status_code, odd.json()["code"]) == (400, "bad_user_id")


def test_an_erased_person_can_be_enrolled_again(people, admin, send):
    people.enrol("ada", 1)
    admin.delete(ADDRESS)

    assert send(admin, "post", "/detect-face", photo_of(1), user_id="ada").status_code == 201


def test_admins_only(people, viewer, reviewer, client):
    people.enrol("ada", 1)

    for one in (viewer, reviewer):
        assert (one.get(ADDRESS).status_code, one.delete(ADDRESS).status_code) == (403, 403)
    assert (client.get(ADDRESS).status_code, client.delete(ADDRESS).status_code) == (401, 401)
    assert services.get_profile("ada").version == 1

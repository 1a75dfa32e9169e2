"""Common behaviour of all resources."""

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/keys/"


def test_a_long_body_is_refused_by_its_stated_length(admin):
    answer = admin.generic(
        "POST", KEYS, b"{", content_type="application/json", CONTENT_LENGTH="30000000"
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")


def test_a_stranger_with_a_long_body_is_not_read_either(client):
    answer = client.generic("POST", KEYS, b"", CONTENT_LENGTH="30000000")

    assert answer.status_code == 413


@pytest.mark.parametrize("stated", ["-1", "many", "1e3", "٣"])
def test_a_length_that_is_no_number_is_400(admin, stated):
    answer = admin.generic(
        "POST", KEYS, b"{}", content_type="application/json", CONTENT_LENGTH=stated
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_body_without_a_length_is_400(admin):
    answer = admin.post(KEYS, {}, format="json", headers={"Transfer-Encoding": "chunked"})

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_parameter_given_twice_is_422(admin):
    answer = admin.get(f"{KEYS}?limit=1&limit=2")

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"limit": ["This is given more than once."]}


def test_another_role_learns_which_one_is_needed_and_nothing_else(viewer):
    there, missing = viewer.delete(f"{KEYS}abcdefgh/"), viewer.get(KEYS)

    assert there.status_code == missing.status_code == 403
    assert there.json() == {"detail": "This needs the role admin.", "code": "forbidden"}


def test_too_many_requests_of_one_key_are_429_with_the_time_to_wait(admin, viewer, settings):
    settings.REQUESTS_PER_MINUTE = 3

    answers = [admin.get(KEYS) for _ in range(4)]

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61
    assert viewer.get("/api/v1/thresholds/").status_code != 429


def guess(header="Token abcdefgh.wrong"):
    return APIClient().get(KEYS, headers={"Authorization": header})


@pytest.mark.parametrize("header", ["Token abcdefgh.wrong", "Bearer one two"])
def test_an_address_that_guesses_keys_gets_429_but_its_valid_key_is_accepted(
    settings, admin, header
):
    settings.FAILED_LOGINS_PER_MINUTE = 2

    answers = [guess(header) for _ in range(3)]

    assert [one.status_code for one in answers] == [401, 401, 429]
    assert answers[-1].json()["code"] == "too_many_failures"
    assert "wrong API keys" in answers[-1].json()["detail"]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61
    assert admin.get(KEYS).status_code == 200


def test_requests_without_credentials_lock_nothing_out(settings, admin, page_of, client):
    settings.FAILED_LOGINS_PER_MINUTE = 2
    browser = page_of("admin")

    answers = {APIClient().get(KEYS).status_code for _ in range(5)}

    assert answers == {401}
    assert guess().status_code == 401
    assert admin.get(KEYS).status_code == 200
    assert browser.get(KEYS).status_code == 200


def test_wrong_keys_of_one_address_do_not_count_for_another(settings):
    settings.FAILED_LOGINS_PER_MINUTE = 1
    guess()

    elsewhere = APIClient(REMOTE_ADDR="192.0.2.7").get(
        KEYS, headers={"Authorization": "Token abcdefgh.wrong"}
    )

    assert guess().status_code == 429
    assert elsewhere.status_code == 401


def test_many_addresses_do_not_push_the_counter_of_a_key_out(settings, admin):
    settings.REQUESTS_PER_MINUTE = 1
    admin.get(KEYS)

    for number in range(400):
        header = {"Authorization": "Token a b"}
        APIClient(REMOTE_ADDR=f"198.51.{number // 256}.{number % 256}").get(KEYS, headers=header)

    assert admin.get(KEYS).status_code == 429


@pytest.mark.parametrize("body", [b"[1]", b'"text"', b"null", b"{", b'{"name": NaN}', b"\xff"])
def test_json_of_the_wrong_shape_is_refused(admin, body):
    answer = admin.generic("POST", KEYS, body, content_type="application/json")

    assert answer.status_code in (400, 422)
    assert {"detail", "code"} <= answer.json().keys()


def test_another_content_type_is_415(admin):
    answer = admin.generic("POST", KEYS, b"name=x", content_type="text/plain")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

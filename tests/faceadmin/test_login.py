"""Logging in and out."""

from datetime import timedelta
from io import StringIO

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password"


@pytest.fixture(autouse=True)
def quick_hasher(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person():
    return User.objects.create_user("ada", password=PASSWORD)


def log_in(client, **other):
    return client.post("/login/", {"username": "ada", "password": PASSWORD, **other})


def test_the_page_has_labelled_fields_and_no_navigation(client):
    body = client.get("/login/").content.decode()

    assert '<label for="id_username">' in body
    assert '<label for="id_password">' in body
    assert "Collections</a>" not in body


def test_logging_in_leads_back_to_where_one_came_from(client, person):
    assert log_in(client, next="/models/")["Location"] == "/models/"


def test_logging_in_leads_nowhere_else(client, person):
    assert log_in(client, next="https://elsewhere.example/")["Location"] == "/"


def test_a_wrong_password_is_told_beside_the_form(client, person):
    answer = log_in(client, password="wrong")

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()


def test_logging_out_takes_a_post(client, person):
    client.force_login(person)

    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert "_auth_user_id" not in client.session


def test_pages_forbid_inline_scripts_and_foreign_sources(client):
    policy = client.get("/login/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def fail_eight_times(client, **other):
    for _ in range(8):
        answer = log_in(client, password="wrong", **other)
    return answer


def later(**time):
    """Let the failed logins be older."""
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(**time))


def test_guessing_locks_the_account_for_this_address_and_no_other(client, person):
    fail_eight_times(client)

    answer = log_in(client)
    elsewhere = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7"
    )

    assert answer.status_code == 429
    assert answer.json()["code"] == "locked_out"
    assert 0 < int(answer["Retry-After"]) <= 901
    assert elsewhere["Location"] == "/"


def test_guessing_locks_no_other_account_of_the_address(client, person):
    User.objects.create_user("bob", password=PASSWORD)
    fail_eight_times(client)

    assert log_in(client, username="bob")["Location"] == "/"


def test_a_locked_account_is_told_in_a_page_with_who_how_long_and_what_to_do(client, person):
    for _ in range(8):
        answer = client.post(
            "/login/", {"username": "ada", "password": "wrong"}, headers={"Accept": "text/html"}
        )

    said = answer.content.decode()
    assert answer.status_code == 429
    assert "wrong passwords for ada" in said
    assert "for 15 minutes" in said
    assert "An admin can unlock it on the page Accounts" in said


def test_a_lock_is_not_extended_by_trying_again(client, person):
    fail_eight_times(client)

    later(minutes=14)
    early = log_in(client)
    later(minutes=2)

    assert early.status_code == 429
    assert int(early["Retry-After"]) <= 61
    assert log_in(client)["Location"] == "/"


def test_a_lock_from_before_the_clock_was_set_back_does_not_last(client, person):
    fail_eight_times(client)

    later(days=-30)

    assert log_in(client)["Location"] == "/"


def test_an_admin_unlocks_an_account(client, person, page_of):
    fail_eight_times(client)
    browser = page_of("admin")
    locked = browser.get("/accounts/").content.decode()

    browser.post(f"/accounts/{person.pk}/", {"change": "unlock"})

    assert "locked: too many wrong passwords" in locked
    assert "locked: too many wrong passwords" not in browser.get("/accounts/").content.decode()
    browser.logout()
    assert log_in(browser)["Location"] == "/"


def test_a_command_unlocks_an_account_when_no_admin_can_log_in(client, person):
    fail_eight_times(client)

    call_command("axes_reset_username", "ada", stdout=StringIO())

    assert log_in(client)["Location"] == "/"


def test_a_new_password_unlocks_the_account(client, person, page_of):
    fail_eight_times(client)
    browser = page_of("admin")

    page = browser.post(f"/accounts/{person.pk}/", {"change": "password"})

    browser.logout()
    assert log_in(browser, password=page.context["secret"])["Location"] == "/"


def test_guessing_many_accounts_slows_the_address_down(client, person, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 3
    for name in ("ada", "bob", "eve"):
        client.post("/login/", {"username": name, "password": "wrong"}, REMOTE_ADDR="192.0.2.8")

    answer = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.8"
    )

    assert answer.status_code == 429
    assert answer.json()["code"] == "too_many_failures"
    assert int(answer["Retry-After"]) <= 61
    assert log_in(client)["Location"] == "/"


def test_an_address_that_has_to_wait_is_told_in_a_page(client, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 1
    log_in(client, password="wrong")

    answer = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, headers={"Accept": "text/html"}
    )

    assert answer.status_code == 429
    assert "Too many wrong passwords came from your address" in answer.content.decode()


def test_wrong_keys_and_empty_forms_do_not_keep_anyone_from_logging_in(client, person, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 2
    for _ in range(5):
        APIClient().get("/api/v1/keys/", headers={"Authorization": "Token abcdefgh.wrong"})
        client.post("/login/", {"username": "ada", "password": ""})

    assert log_in(client)["Location"] == "/"


def test_a_session_and_a_key_go_on_while_logins_of_their_address_wait(page_of, admin, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 1
    browser = page_of("admin")
    log_in(APIClient(), password="wrong")

    assert log_in(APIClient()).status_code == 429
    assert browser.get("/accounts/").status_code == 200
    assert admin.get("/api/v1/keys/").status_code == 200


def test_others_at_its_address_do_not_lock_a_browser_out_that_logged_in_before(
    client, person, settings
):
    settings.FAILED_LOGINS_PER_MINUTE = 8
    log_in(client)
    client.post("/logout/")
    fail_eight_times(Client())

    assert log_in(Client()).status_code == 429
    assert log_in(client)["Location"] == "/"


def test_a_browser_is_known_to_its_own_account_only(client, person, settings):
    User.objects.create_user("bob", password=PASSWORD)
    log_in(client)
    client.post("/logout/")

    answer = fail_eight_times(client, username="bob")

    assert answer.status_code == 429


def test_a_known_browser_guesses_no_more_than_others(client, person):
    log_in(client)
    client.post("/logout/")

    known = {log_in(client, password="wrong").status_code for _ in range(8)}
    unknown = [log_in(client, password="wrong").status_code for _ in range(8)]

    assert known == {200}
    assert unknown == [200] * 7 + [429]
    assert log_in(client).status_code == 429


@pytest.mark.parametrize("forged", ["", "x", "WyJhZGEiLCJ4Il0:1vE0aA:forged"])
def test_a_forged_cookie_makes_no_browser_known(client, person, forged):
    client.cookies["known_browser"] = forged

    assert fail_eight_times(client).status_code == 429


def test_addresses_of_one_ipv6_network_are_one(client, person, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 2
    for last in ("1", "2"):
        client.post(
            "/login/", {"username": "ada", "password": "wrong"}, REMOTE_ADDR=f"2600:1:2:3::{last}"
        )

    same = client.post("/login/", {"username": "ada", "password": "x"}, REMOTE_ADDR="2600:1:2:3::9")
    other = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="2600:1:2:4::1"
    )

    assert same.status_code == 429
    assert other["Location"] == "/"


def test_a_name_that_is_too_long_is_a_wrong_one(client):
    answer = log_in(client, username="a" * 300)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode()

"""Logging in and out."""

import pytest
from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password"


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


def test_guessing_locks_the_account_for_this_address_and_no_other(client, person):
    for _ in range(8):
        log_in(client, password="wrong")

    answer = log_in(client)
    elsewhere = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.7"
    )

    assert answer.status_code == 429
    assert "15 minutes" in answer.content.decode()
    assert elsewhere["Location"] == "/"


def test_guessing_many_accounts_slows_the_address_down(client, person, settings):
    settings.FAILED_LOGINS_PER_MINUTE = 3
    for name in ("ada", "bob", "eve"):
        client.post("/login/", {"username": name, "password": "wrong"}, REMOTE_ADDR="192.0.2.8")

    answer = client.post(
        "/login/", {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.8"
    )

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) <= 61

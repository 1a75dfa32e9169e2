"""Keys for clients, sessions for pages, roles for both."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from rest_framework.test import APIClient

from web.auth import create_key, find_key, role_of
from web.models import ApiKey
from web.roles import Role

ADMINS_ONLY = "/debug-quality-settings"
MODELS_PAGE = "/models/"
BROWSER = {"Accept": "text/html"}

pytestmark = pytest.mark.django_db


def ask(header=None):
    headers = {"Authorization": header} if header else {}
    return APIClient().get(ADMINS_ONLY, headers=headers)


@pytest.mark.parametrize(
    ("held", "needed", "is_enough"),
    [
        (Role.VIEWER, Role.VIEWER, True),
        (Role.VIEWER, Role.REVIEWER, False),
        (Role.REVIEWER, Role.VIEWER, True),
        (Role.REVIEWER, Role.ADMIN, False),
        (Role.ADMIN, Role.REVIEWER, True),
    ],
)
def test_a_role_includes_those_before_it(held, needed, is_enough):
    assert held.includes(needed) is is_enough


def test_a_person_has_the_highest_role_of_their_groups():
    person = User.objects.create_user("ada")
    assert role_of(person) is None

    for name in ("reviewer", "viewer", "gardeners"):
        person.groups.add(Group.objects.get_or_create(name=name)[0])

    assert role_of(person) == Role.REVIEWER
    assert role_of(User.objects.create_superuser("root")) == Role.ADMIN


def test_a_stranger_gets_401_and_the_scheme_to_use():
    answer = ask()

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Token", "Token a b", "Bearer none.such", "Token \xe9"])
def test_a_key_that_is_no_key_gets_401(header):
    answer = ask(header)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_key")


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token"])
def test_a_role_that_is_too_low_gets_403_under_either_scheme(scheme):
    _, secret = create_key("reader", Role.VIEWER)

    answer = ask(f"{scheme} {secret}")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_key_ends_when_it_expires_or_is_revoked():
    _, secret_expired = create_key("old", Role.ADMIN, expires=timezone.now() - timedelta(seconds=1))
    revoked, secret_revoked = create_key("lost", Role.ADMIN)
    revoked.revoked = True
    revoked.save()

    assert find_key(secret_expired) is None
    assert find_key(secret_revoked) is None
    assert ask(f"Token {secret_revoked}").status_code == 401


def test_a_key_is_not_stored_as_it_is_written():
    key, secret = create_key("client", Role.ADMIN)

    stored = ApiKey.objects.values().get(pk=key.pk)

    assert secret not in str(stored)
    assert secret.partition(".")[2] not in str(stored)


def test_use_of_a_key_is_noted_to_the_minute():
    key, secret = create_key("client", Role.VIEWER)

    ask(f"Token {secret}")
    first = ApiKey.objects.get(pk=key.pk).last_used
    ask(f"Token {secret}")

    assert first is not None
    assert ApiKey.objects.get(pk=key.pk).last_used == first


def test_a_stranger_is_sent_to_log_in_and_back(client):
    answer = client.get(MODELS_PAGE, headers=BROWSER)

    assert answer.status_code == 302
    assert answer["Location"] == "/login/?next=/models/"


def test_a_stranger_with_htmx_leaves_the_page(client):
    answer = client.get(
        MODELS_PAGE, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/a/?b=1"}
    )

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/login/?next=/a/%3Fb%3D1"


def test_a_page_for_admins_refuses_a_reviewer(page_of):
    answer = page_of("reviewer").get(MODELS_PAGE, headers=BROWSER)

    assert answer.status_code == 403
    assert "This needs the role admin." in answer.content.decode()


def test_a_session_needs_the_token_of_its_form_for_rest_too(page_of):
    session = APIClient(enforce_csrf_checks=True)
    session.cookies = page_of("admin").cookies

    answer = session.post("/verify-fixed-storage/bucket/sub")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

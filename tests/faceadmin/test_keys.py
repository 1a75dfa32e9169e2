"""Keys over REST: made once, listed by prefix, revoked."""

import pytest
from rest_framework.test import APIClient

from web.models import ApiKey

pytestmark = pytest.mark.django_db

KEYS = "/api/v1/keys/"


def make(admin, **body):
    return admin.post(KEYS, {"name": "nightly", "role": "viewer", **body}, format="json")


def test_a_new_key_is_shown_once_and_kept_hashed(admin):
    made = make(admin, expires_in_days=30).json()
    listed = [one for one in admin.get(KEYS).json()["keys"] if one["prefix"] == made["prefix"]]

    assert made["key"].startswith(made["prefix"])
    assert listed == [{name: value for name, value in made.items() if name != "key"}]
    assert made["key"] not in ApiKey.objects.get(prefix=made["prefix"]).hashed_key


def test_a_key_works_until_it_is_revoked(admin):
    made = make(admin, role="admin").json()
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {made['key']}")

    before = client.get(KEYS).status_code
    revoked = admin.delete(f"{KEYS}{made['prefix']}/").status_code

    assert (before, revoked, client.get(KEYS).status_code) == (200, 204, 401)


def test_a_key_cannot_revoke_itself(admin):
    own = ApiKey.objects.get()

    answer = admin.delete(f"{KEYS}{own.prefix}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "own_key")
    assert admin.get(KEYS).status_code == 200


def test_a_key_remembers_when_it_was_used(admin):
    used = [one for one in admin.get(KEYS).json()["keys"] if one["last_used"]]

    assert len(used) == 1


def test_the_list_is_paged(admin):
    for number in range(3):
        make(admin, name=f"key {number}")

    seen, cursor = [], None
    while cursor is not None or not seen:
        page = admin.get(KEYS, {"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["prefix"] for one in page["keys"]]
        cursor = page["next"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == ApiKey.objects.count()


def test_revoking_what_is_not_there_is_404(admin):
    answer = admin.delete(f"{KEYS}nosuch/")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_key")


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "x" * 51},
        {"name": "nul\x00"},
        {"role": "owner"},
        {"role": None},
        {"expires_in_days": 0},
        {"expires_in_days": 10**9},
        {"expires_in_days": "soon"},
    ],
)
def test_nonsense_is_422_and_makes_no_key(admin, body):
    before = ApiKey.objects.count()

    answer = make(admin, **body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_only_admins_see_and_make_keys(role, request):
    client = request.getfixturevalue(role)

    assert client.get(KEYS).status_code == 403
    assert make(client).status_code == 403

"""API keys page: created, shown once, revoked."""

import pytest

from web.auth import find_key
from web.models import ApiKey

PAGE = "/keys/"


@pytest.fixture
def admin_page(page_of):
    return page_of("admin")


def made(answer):
    """Return the secret that an answer shows."""
    return answer.content.decode().split('class="secret">')[1].split("<")[0]


def test_without_keys_it_says_what_they_are_for(admin_page):
    assert "No API key yet." in admin_page.get(PAGE).content.decode()


def test_a_key_is_shown_once_and_works(admin_page):
    answer = admin_page.post(PAGE, {"name": "<b>import", "role": "viewer", "expires_in_days": "3"})

    secret = made(answer)
    assert find_key(secret).role == "viewer"
    assert find_key(secret).expiry_date is not None
    assert "&lt;b&gt;import" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert secret not in admin_page.get(PAGE).content.decode()
    assert secret not in str(dict(admin_page.session))


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "role": "viewer"},
        {"name": "x" * 51, "role": "viewer"},
        {"name": "x", "role": "king"},
        {"name": "x", "role": "viewer", "expires_in_days": "0"},
        {"name": "x", "role": "viewer", "expires_in_days": "many"},
        {"name": "nul\x00", "role": "viewer"},
        {},
    ],
)
def test_bad_input_is_said_beside_the_form(admin_page, fields):
    answer = admin_page.post(PAGE, fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not ApiKey.objects.count()


def test_no_browser_keeps_a_page_with_a_secret(admin_page):
    answer = admin_page.post(PAGE, {"name": "x", "role": "viewer"})

    assert 'hx-history="false"' in answer.content.decode()  # or htmx stores it when one moves on
    assert answer["Cache-Control"] == "no-store"


def test_what_was_typed_stays_in_the_form(admin_page):
    fields = {"name": "<b>import", "role": "reviewer", "expires_in_days": "0"}

    body = admin_page.post(PAGE, fields).content.decode()

    assert 'value="&lt;b&gt;import"' in body
    assert '<option value="reviewer" selected>' in body
    assert 'value="0"' in body


def test_a_revoked_key_is_rejected(admin_page):
    secret = made(admin_page.post(PAGE, {"name": "x", "role": "viewer"}))
    prefix = find_key(secret).prefix

    answer = admin_page.post(f"{PAGE}{prefix}/revoke/")

    assert answer.status_code == 303
    assert find_key(secret) is None
    assert "revoked" in admin_page.get(PAGE).content.decode()


def test_revoking_by_htmx_moves_on_to_the_list(admin_page):
    prefix = find_key(made(admin_page.post(PAGE, {"name": "x", "role": "viewer"}))).prefix

    answer = admin_page.post(f"{PAGE}{prefix}/revoke/", headers={"HX-Request": "true"})

    assert (answer.status_code, PAGE in answer["HX-Location"]) == (204, True)
    assert ApiKey.objects.get(prefix=prefix).revoked


@pytest.mark.parametrize("prefix", ["nobody", "nul%00"])
def test_an_unknown_key_is_404(admin_page, prefix):
    answer = admin_page.post(f"{PAGE}{prefix}/revoke/", headers={"Accept": "text/html"})

    assert answer.status_code == 404


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_others_are_refused(page_of, role):
    browser = page_of(role)

    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, {"name": "x", "role": "admin"}).status_code == 403
    assert browser.post(f"{PAGE}any/revoke/").status_code == 403
    assert not ApiKey.objects.count()


def test_strangers_log_in_first(client, db):
    assert client.get(PAGE).status_code == 302

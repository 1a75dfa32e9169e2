"""Accounts page: create, change and disable accounts; one admin always remains."""

from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from faceadmin.views import accounts
from web.auth import role_of
from web.roles import Role

PAGE = "/accounts/"


@pytest.fixture
def admin_page(page_of):
    return page_of("admin")


@pytest.fixture
def eve(admin_page):
    admin_page.post(PAGE, {"name": "eve", "role": "viewer"})
    return User.objects.get(username="eve")


def change(browser, user, **fields):
    return browser.post(f"{PAGE}{user.pk}/", fields, headers={"Accept": "text/html"})


def logs_in(name, password):
    """Say whether the login page accepts a username and password."""
    answer = Client().post("/login/", {"username": name, "password": password})
    return answer.status_code == 302


def secret_of(answer):
    return answer.content.decode().split('class="secret">')[1].split("<")[0]


def test_a_new_account_logs_in_with_a_password_shown_once(admin_page):
    answer = admin_page.post(PAGE, {"name": "eve", "role": "reviewer"})

    secret = secret_of(answer)
    assert logs_in("eve", secret)
    assert role_of(User.objects.get(username="eve")).value == "reviewer"
    assert answer["Cache-Control"] == "no-store"
    assert secret not in admin_page.get(PAGE).content.decode()
    assert secret not in str(dict(admin_page.session))


def test_a_new_password_replaces_the_old_one(admin_page, eve):
    old = secret_of(change(admin_page, eve, change="password"))
    secret = secret_of(change(admin_page, eve, change="password"))

    assert logs_in("eve", secret)
    assert not logs_in("eve", old)


def test_a_new_password_of_ones_own_ends_the_other_sessions_only(admin_page):
    me, elsewhere = User.objects.get(username="admin-person"), Client()
    elsewhere.force_login(me)

    secret = secret_of(change(admin_page, me, change="password"))

    assert admin_page.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 302
    assert logs_in(me.username, secret)


@pytest.mark.parametrize("role", ["reviewer", "admin", "viewer"])
def test_a_role_is_given_and_the_others_go(admin_page, eve, role):
    change(admin_page, eve, change="role", role="admin")

    answer = change(admin_page, eve, change="role", role=role)

    assert answer.status_code == 303
    assert role_of(User.objects.get(pk=eve.pk)).value == role


def test_a_disabled_account_cannot_log_in_until_enabled(admin_page, eve):
    secret = secret_of(change(admin_page, eve, change="password"))

    inside = Client()
    inside.force_login(eve)
    change(admin_page, eve, change="deactivate")
    assert not logs_in("eve", secret)
    assert inside.get(PAGE).status_code == 302
    change(admin_page, eve, change="activate")
    assert logs_in("eve", secret)


@pytest.mark.parametrize("fields", [{"change": "deactivate"}, {"change": "role", "role": "viewer"}])
def test_admins_cannot_change_their_own_rights(admin_page, fields):
    me = User.objects.get(username="admin-person")

    answer = change(admin_page, me, **fields)

    me = User.objects.get(username="admin-person")
    assert answer.status_code == 409
    assert (me.is_active, role_of(me).value) == (True, "admin")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "", "role": "viewer"},
        {"name": "a b <script>", "role": "viewer"},
        {"name": "x" * 151, "role": "viewer"},
        {"name": "ADMIN-person", "role": "viewer"},
        {"name": "new", "role": "king"},
        {"name": "\uff41dmin-person", "role": "viewer"},
        {"name": "\ufdfa" * 100, "role": "viewer"},
        {"name": "nul\x00", "role": "viewer"},
        {},
    ],
)
def test_bad_input_is_said_beside_the_form(admin_page, fields):
    answer = admin_page.post(PAGE, fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert "<script>" not in answer.content.decode().partition("<main")[2]
    assert User.objects.count() == 1


def test_what_was_typed_stays_in_the_form(admin_page):
    body = admin_page.post(PAGE, {"name": "a b<i>", "role": "reviewer"}).content.decode()

    assert 'value="a b&lt;i&gt;"' in body
    assert '<option value="reviewer" selected>' in body


def test_a_name_that_another_admin_just_took_is_said_beside_the_form(admin_page, monkeypatch):
    monkeypatch.setattr(accounts.AccountForm, "clean_name", lambda form: "admin-person")

    answer = admin_page.post(PAGE, {"name": "admin-person", "role": "viewer"})

    assert answer.status_code == 422
    assert "admin-person is taken." in answer.content.decode()


def test_a_name_with_markup_is_shown_as_it_is(admin_page):
    User.objects.create_user("<img src=x>")

    body = admin_page.get(PAGE).content.decode()

    assert "<img src=x>" not in body
    assert "&lt;img src=x&gt;" in body


@pytest.mark.parametrize("fields", [{"change": "promote"}, {}])
def test_a_change_that_is_none_is_refused(admin_page, eve, fields):
    assert change(admin_page, eve, **fields).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_demote_each_other_one_stays(page_of):
    page_of("admin")
    pair = [User.objects.get(), User.objects.create_superuser("eve")]
    start, answers = Barrier(2), []

    def demote(me, other):
        browser = Client(headers={"Accept": "text/html"})
        browser.force_login(me)
        start.wait()
        answers.append(change(browser, other, change="role", role="viewer").status_code)
        connections.close_all()

    threads = [Thread(target=demote, args=two) for two in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(303) == 1
    assert [role_of(one) for one in User.objects.all()].count(Role.ADMIN) == 1


def test_a_role_that_is_none_changes_nothing(admin_page, eve):
    assert change(admin_page, eve, change="role", role="king").status_code == 422
    assert role_of(User.objects.get(pk=eve.pk)).value == "viewer"


def test_an_unknown_account_is_404(admin_page):
    answer = admin_page.post(f"{PAGE}9999/", {"change": "password"})

    assert answer.status_code == 404


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_others_are_refused(page_of, role):
    browser = page_of(role)

    assert browser.get(PAGE).status_code == 403
    assert browser.post(PAGE, {"name": "x", "role": "admin"}).status_code == 403
    me = User.objects.get()
    assert change(browser, me, change="role", role="admin").status_code == 403


def test_strangers_log_in_first(client, db):
    assert client.get(PAGE).status_code == 302

"""Messages become toasts; an error is a page, a toast or JSON, depending on the client."""

import json

import pytest
from django.contrib import messages
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django_htmx.middleware import HtmxDetails

from web.errors import Refusal
from web.middleware import ToastsMiddleware, refusal_answer

BROWSER = {"Accept": "text/html,*/*;q=0.8"}
HTMX = {"HX-Request": "true", "Accept": "*/*"}

pytestmark = pytest.mark.django_db


class Waiting(list):
    """Message storage without a session."""

    def add(self, level, text, extra_tags=""):
        self.append(messages.storage.base.Message(level, text, extra_tags))


def toasts_after(answer, **headers):
    request = RequestFactory().get("/", headers=headers)
    request.htmx = HtmxDetails(request)
    request._messages = Waiting()
    messages.success(request, "Merged.")
    return ToastsMiddleware(lambda _request: answer)(request)


def test_a_message_becomes_a_toast_for_htmx():
    answer = toasts_after(HttpResponse(), **HTMX)

    assert json.loads(answer["HX-Trigger"]) == {"toasts": [{"level": "success", "text": "Merged."}]}


@pytest.mark.parametrize("moves_on", ["HX-Redirect", "HX-Location", "HX-Refresh"])
def test_a_message_waits_for_the_next_page(moves_on):
    assert "HX-Trigger" not in toasts_after(HttpResponse(headers={moves_on: "/"}), **HTMX)
    assert "HX-Trigger" not in toasts_after(HttpResponse(status=303), **HTMX)
    assert "HX-Trigger" not in toasts_after(HttpResponse())


def test_a_message_does_not_hide_a_refusal():
    request = RequestFactory().get("/", headers=HTMX)
    request.htmx = HtmxDetails(request)

    answer = toasts_after(refusal_answer(request, Refusal(409, "stale", "Too late.")), **HTMX)

    assert "Too late." in answer["HX-Trigger"]


@pytest.mark.parametrize(
    ("headers", "shown"),
    [(BROWSER, "<h1>There is nothing"), ({}, '"code": "not_found"')],
)
def test_an_address_where_nothing_is_answers_as_fits(client, headers, shown):
    answer = client.get("/nowhere", headers=headers)

    assert answer.status_code == 404
    assert shown in answer.content.decode()


def test_a_method_that_a_page_does_not_take_is_told(page_of):
    answer = page_of("admin").post("/models/", headers=BROWSER)

    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert "This address does not take POST, only GET." in answer.content.decode()


@pytest.mark.parametrize("headers", [BROWSER, {}, HTMX])
def test_a_form_without_its_token_is_refused_in_our_words(headers):
    answer = Client(enforce_csrf_checks=True).post("/login/", headers=headers)

    said = answer.content.decode() + answer.get("HX-Trigger", "")
    assert answer.status_code == 403
    assert "This page is out of date" in said


@pytest.mark.parametrize("headers", [BROWSER, {}, HTMX])
def test_a_database_that_is_away_is_a_503_with_a_sentence(page_of, monkeypatch, headers):
    def away(_session):
        raise OperationalError("could not connect to host secret")

    browser = page_of("admin")
    monkeypatch.setattr(SessionStore, "_get_session_from_db", away)

    answer = browser.get("/models/", headers=headers)

    said = answer.content.decode() + answer.get("HX-Trigger", "")
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert "There is no answer from the queue&#x27;s database" in said.replace("'", "&#x27;")
    assert "secret" not in said


class NeverRead:
    """A body that must not be read."""

    def read(self, *_):
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize(
    ("stated", "who", "status"),
    [
        (10 * 25_000_000 + 3_000_000, "reviewer", 413),
        (3_000_000, None, 413),
        ("12x", "reviewer", 400),
    ],
)
@pytest.mark.parametrize("headers", [BROWSER, HTMX])
def test_a_form_that_is_too_long_is_refused_unread(page_of, client, stated, who, status, headers):
    browser = page_of(who) if who else client

    answer = browser.generic(
        "POST",
        "/search/" if who else "/login/",
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(stated),
        headers=headers,
        **{"wsgi.input": NeverRead()},
    )

    assert answer.status_code == status

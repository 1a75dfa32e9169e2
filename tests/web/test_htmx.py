"""Page or fragment, redirect or relocation."""

import json

import pytest
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from web.htmx import render_page, see_other
from web.middleware import RedirectsMiddleware

PAGE, FRAGMENT = "registration/login.html", "refusal.html"


def request_with(**headers):
    """Return a request as the htmx middleware passes it on."""
    request = RequestFactory().get("/", headers=headers)
    request.htmx = HtmxDetails(request)
    return request


def answer_to(**headers):
    return render_page(request_with(**headers), PAGE, {"next": "to-be-seen"}, fragment=FRAGMENT)


def test_a_browser_gets_the_page():
    assert "to-be-seen" in answer_to().content.decode()


def test_htmx_gets_the_fragment_for_a_part_that_has_an_id():
    part = answer_to(**{"HX-Request": "true", "HX-Target": "part"})

    assert "to-be-seen" not in part.content.decode()


@pytest.mark.parametrize("whole", [{}, {"HX-Target": "part", "HX-History-Restore-Request": "true"}])
def test_htmx_gets_the_page_when_it_shows_a_whole_one(whole):
    answer = answer_to(**{"HX-Request": "true", **whole})

    assert "to-be-seen" in answer.content.decode()


def test_an_answer_says_that_it_varies():
    assert "HX-Request" in answer_to()["Vary"]


def test_a_redirect_is_a_303_for_a_browser_and_a_header_for_htmx():
    def answer(**headers):
        request = request_with(**headers)
        return RedirectsMiddleware(lambda _: see_other("/there/"))(request)

    plain, htmx = answer(), answer(**{"HX-Request": "true"})

    assert (plain.status_code, plain["Location"]) == (303, "/there/")
    assert (htmx.status_code, htmx.has_header("Location")) == (204, False)
    assert json.loads(htmx["HX-Location"]) == {"path": "/there/", "target": "body"}

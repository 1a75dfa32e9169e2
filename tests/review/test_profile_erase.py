"""The page that erases a person: asked first, done once, told with a receipt."""

import pytest

from profiles.selectors import find_profile, stored_references
from profiles.services import hide_profile
from tests.assignments.conftest import stored
from tests.profiles.imports.import_kit import zip_started
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services

ADDRESS = "/profiles/ada/erase/"
HTML = {"Accept": "text/html"}


def test_the_page_says_what_will_go_and_changes_nothing(matched, people, page_of):
    people.update("ada", 1, shade=1)

    body = page_of("admin").get(ADDRESS).content.decode()

    assert "Erase Ada?" in body
    assert "2 reference photos" in body
    assert "2 assignments that name them" in body  # her own, and as the next alike to Bob's
    assert find_profile("ada") is not None


def test_a_plain_form_erases_and_shows_the_receipt(matched, people, page_of):
    browser = page_of("admin")

    answer = browser.post(ADDRESS)

    body = answer.content.decode()
    assert answer.status_code == 200
    assert "ada is erased" in body
    assert answer.context["receipt"].is_complete
    assert answer.context["receipt"].removed.assignments == 2
    assert find_profile("ada") is None
    assert stored_references("ada") == []
    assert {one["user_id"] for one in stored().values()} == {"bob"}
    assert browser.get("/profiles/ada/", headers=HTML).status_code == 404


def test_an_erasure_that_broke_off_is_finished_from_its_page(people, page_of):
    people.enrol("ada", 1)
    hide_profile("ada")
    browser = page_of("admin")

    asked = browser.get(ADDRESS)
    done = browser.post(ADDRESS)

    assert (asked.status_code, done.status_code) == (200, 200)
    assert find_profile("ada") is None


def test_what_is_still_going_on_is_named_and_the_page_offers_to_erase_again(
    people, page_of, settings
):
    settings.ERASURE_WAIT_SECONDS = 0
    people.enrol("ada", 1)
    job = zip_started({"ada/1.png": photo_of(1)})

    browser = page_of("admin")
    body = browser.post(ADDRESS).content.decode()

    assert "ada is not erased completely" in body
    assert browser.get(ADDRESS).status_code == 200
    assert ADDRESS in browser.get("/profiles/").content.decode()
    assert f"The import {job.id} is going on" in body
    assert "Erase again" in body


def test_nobody_is_404_and_a_malformed_id_400(people, page_of):
    browser = page_of("admin")

    assert browser.get("/profiles/nobody/erase/", headers=HTML).status_code == 404
    assert browser.post("/profiles/nobody/erase/", headers=HTML).status_code == 404
    assert browser.get("/profiles/a%20b/erase/", headers=HTML).status_code == 400


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_only_admins_erase(people, page_of, role):
    people.enrol("ada", 1)
    browser = page_of(role)

    assert browser.get(ADDRESS).status_code == 403
    assert browser.post(ADDRESS).status_code == 403
    assert find_profile("ada") is not None


def test_strangers_are_sent_to_log_in(people, client, db):
    answer = client.get(ADDRESS)

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_markup_in_a_name_is_only_text(people, page_of):
    people.enrol("ada", 1, name="<script>alert(1)</script>")

    body = page_of("admin").get(ADDRESS).content.decode()

    assert "<script>alert" not in body

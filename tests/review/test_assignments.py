"""The page of assignments: match, see at once what that would do, save, correct."""

import pytest
from django.urls import reverse

from assignments.documents import Assignment
from clustering.decisions.documents import Decision
from tests.review.pages import HTML, body_of, fields_of, of, part

pytestmark = pytest.mark.services

PAGE = "/assignments/"


def test_without_a_collection_it_says_what_comes_first(stores, page_of):
    assert "No person has been found in a collection yet." in body_of(page_of("viewer").get(PAGE))


def test_a_preview_counts_and_saves_nothing(family, page_of):
    answer = page_of("reviewer").post(
        reverse("matching"), {"collection": family.name.path}, headers=part("match")
    )

    assert answer.status_code == 200
    assert "<strong>2</strong> of 3 people would be assigned" in body_of(answer)
    assert "1 below the threshold" in body_of(answer)
    assert "<html" not in body_of(answer)
    assert not Assignment.objects.count()


def test_saving_assigns_and_shows_whose_the_clusters_are(family, page_of):
    browser = page_of("reviewer")

    answer = browser.post(reverse("matching"), {"collection": family.name.path, "save": "on"})

    assert answer.status_code == 303
    body = body_of(browser.get(answer["Location"]))
    assert Assignment.objects.count() == 2
    assert ">Ada</a>" in body
    assert "confirm_profile:ada" in body


def test_missing_profiles_are_reported_beside_the_form(album, page_of):
    album.cluster((1,), (1,))

    answer = page_of("reviewer").post(
        reverse("matching"), {"collection": album.name.path}, headers=part("match")
    )

    assert answer.status_code == 422
    assert "No person is enrolled yet" in body_of(answer)


@pytest.mark.parametrize(
    "fields", [{"threshold": "2"}, {"threshold": "nan"}, {"margin": "-1"}, {"strategy": "luck"}]
)
def test_values_out_of_range_are_said_beside_the_form(family, page_of, fields):
    answer = page_of("reviewer").post(
        reverse("matching"), {"collection": family.name.path, **fields}, headers=part("match")
    )

    assert answer.status_code == 422
    assert 'role="alert"' in body_of(answer)
    assert not Assignment.objects.count()


@pytest.mark.parametrize("asked", ["nobody/knows", "no-slash", "a/../b"])
def test_an_unknown_collection_is_refused(matched, page_of, asked):
    answer = page_of("viewer").get(PAGE, {"collection": asked}, headers=HTML)

    assert answer.status_code in (404, 422)


def test_viewers_match_nothing(matched, page_of):
    browser = page_of("viewer")

    assert browser.post(reverse("matching"), headers=HTML).status_code == 403
    assert "Save" not in body_of(browser.get(PAGE))


def test_strangers_log_in_first(stores, client, db):
    assert client.get(PAGE).status_code == 302


def test_a_correction_conflicting_with_a_concurrent_decision_is_refused(matched, page_of):
    browser = page_of("reviewer")
    fields = fields_of(body_of(browser.get(PAGE)), matched.held(matched.current, matched.ada).id)
    matched.decide("choose_profile", matched.ada, "bob")

    answer = browser.post(
        of("decide", matched), {**fields, "kind": "confirm_profile:ada"}, headers=HTML
    )

    assert answer.status_code == 409
    assert "ada · choose profile" in body_of(answer)
    assert Decision.objects.count() == 1

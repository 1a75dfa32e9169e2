"""The preview of a matching: each cluster with its most similar person and the result."""

import re

import pytest
from django.urls import reverse

from assignments.documents import Assignment
from review.views import matching as page
from tests.assignments.conftest import ADA
from tests.review.pages import HTML, body_of, part

pytestmark = pytest.mark.services


@pytest.fixture
def preview(page_of):
    """Ask for a preview as a browser without scripts does."""
    browser = page_of("reviewer")

    def preview(album, headers=HTML, **fields):
        fields = {"collection": album.name.path, **fields}
        return browser.post(reverse("matching"), fields, headers=headers)

    return preview


def rows_of(body):
    """Return the rows of a preview as words, by cluster."""
    table = body.partition('aria-label="What would be assigned"')[2].partition("</table>")[0]
    rows = [re.sub(r"<[^>]*>", " ", row).split() for row in table.split("<tr>")[2:]]
    return {row[0]: row[3:] for row in rows}


def test_every_cluster_is_shown_with_its_best_person_and_what_comes_of_it(family, preview):
    answer = preview(family)

    rows = rows_of(body_of(answer))
    assert answer.status_code == 200
    assert len(rows) == 3
    assert rows[family.label("p0.png", 0)][:2] == ["Ada", "1.00"]
    assert rows[family.label("p0.png", 0)][-1] == "assigned"
    assert rows[family.label("p0.png", 2)][-3:] == ["below", "the", "threshold"]
    assert not Assignment.objects.count()


def test_a_cluster_between_two_people_is_ambiguous_with_its_margin(family, people, preview):
    people.enrol("ada2", ADA, shade=9, force=True)

    rows = rows_of(body_of(preview(family)))

    assert rows[family.label("p0.png", 0)][2:] == ["0.00", "ambiguous"]


def test_what_is_assigned_already_stays_and_is_no_row(matched, preview):
    body = body_of(preview(matched))

    assert list(rows_of(body)) == [matched.eve]
    assert "2 stay as they are" in body


def test_of_many_clusters_the_first_are_shown(family, preview, monkeypatch):
    monkeypatch.setattr(page, "SHOWN", 2)

    body = body_of(preview(family))

    assert len(rows_of(body)) == 2
    assert "and 1 more" in body


def test_names_are_text_not_markup(family, people, preview):
    people.enrol("eve", 3, name="<script>alert(1)</script>" + "x" * 60)

    for headers in (HTML, part("match")):
        body = body_of(preview(family, headers=headers))
        assert "&lt;script&gt;alert(1)" in body
        assert "<script>alert" not in body


def test_without_profiles_the_page_links_to_enrolment_instead_of_a_form(album, page_of):
    album.cluster((ADA,), (ADA,))

    body = body_of(page_of("reviewer").get("/assignments/"))

    assert "No person is enrolled yet." in body
    assert reverse("profile_enrol") in body
    assert 'name="save"' not in body


def test_a_run_of_noise_alone_says_that_there_is_nothing_to_match(album, people, page_of):
    people.enrol("ada", ADA)
    album.cluster((ADA,), (2,))

    body = body_of(page_of("reviewer").get("/assignments/"))

    assert "There is no person to match." in body
    assert 'name="save"' not in body


def test_strangers_log_in_first(stores, client, db):
    assert client.post(reverse("matching"))["Location"].startswith("/login/")

"""Forgetting an assignment from a page, and the list of a person's assignments."""

import pytest
from django.urls import reverse

from assignments.documents import Assignment
from clustering.decisions.documents import Decision
from review.views import assignment_rows
from tests.assignments.conftest import ADA, BOB, NO_RUN
from tests.review.pages import HTML, body_of, fields_of, of

pytestmark = pytest.mark.services

PAGE = "/assignments/"


@pytest.fixture
def browser(matched, page_of):
    return page_of("reviewer")


def removal(assignment_id):
    return reverse("assignment_remove", kwargs={"assignment_id": assignment_id})


def test_a_plain_form_forgets_whose_a_cluster_is_and_goes_back(matched, browser):
    one = matched.held(matched.current, matched.ada)
    page = f"{PAGE}?collection={matched.name.path}"
    fields = fields_of(body_of(browser.get(page)), one.id, form="remove")

    answer = browser.post(removal(one.id), fields)

    assert (answer.status_code, answer["Location"]) == (303, page)
    assert matched.held(matched.current, matched.ada) is None
    assert f"{matched.ada} unassigned." in body_of(browser.get(page))


def test_htmx_moves_on_by_its_header(matched, browser):
    one = matched.held(matched.current, matched.ada)

    answer = browser.post(removal(one.id), {}, headers={"HX-Request": "true"})

    assert answer.status_code == 204
    assert matched.name.sub in answer["HX-Location"]


def test_a_concurrently_changed_assignment_is_not_removed(matched, browser):
    one = matched.held(matched.current, matched.ada)
    fields = fields_of(body_of(browser.get(PAGE)), one.id, form="remove")
    matched.decide("confirm_profile", matched.ada, "ada")

    page = browser.post(removal(one.id), fields, headers=HTML)
    toast = browser.post(removal(one.id), fields, headers={"HX-Request": "true"})

    assert (page.status_code, toast.status_code) == (409, 409)
    assert "Another user changed this assignment meanwhile" in body_of(page)
    assert "Another user changed" in toast["HX-Trigger"]
    assert Assignment.objects.count() == 2


@pytest.mark.parametrize("version", ["0", "x", "99999999999"])
def test_a_version_that_cannot_be_is_refused(matched, browser, version):
    one = matched.held(matched.current, matched.ada)

    answer = browser.post(removal(one.id), {"version": version}, headers=HTML)

    assert answer.status_code == 422
    assert Assignment.objects.count() == 2


def test_what_is_not_there_is_a_page_that_says_so(matched, browser):
    assert browser.post(removal(NO_RUN), {}, headers=HTML).status_code == 404
    assert browser.get(removal(NO_RUN), headers=HTML).status_code == 405


@pytest.mark.parametrize("back", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_a_removal_never_redirects_to_another_site(matched, browser, back):
    one = matched.held(matched.current, matched.ada)

    assert browser.post(removal(one.id), {"back": back})["Location"].startswith(f"{PAGE}?")


def test_viewers_forget_nothing_and_are_not_offered_to(matched, page_of):
    browser, one = page_of("viewer"), matched.held(matched.current, matched.ada)

    body = body_of(browser.get(PAGE))
    answer = browser.post(removal(one.id), {}, headers=HTML)

    assert "Unassign" not in body
    assert answer.status_code == 403
    assert Assignment.objects.count() == 2


def test_strangers_log_in_first(stores, client, db):
    assert client.post(removal(NO_RUN))["Location"].startswith("/login/")


@pytest.mark.parametrize("typed", ["ada", "Ada", " ada "])
def test_a_person_is_found_by_id_or_name_with_all_their_clusters(matched, browser, typed):
    body = body_of(browser.get(PAGE, {"user": typed}))

    assert "Assignments of Ada" in body
    assert of("cluster", matched, cluster_id=matched.ada) in body
    assert of("cluster", matched, cluster_id=matched.bob) not in body
    assert 'id="match"' not in body


def test_a_cluster_is_reassigned_to_another_person_and_that_can_be_undone(matched, browser):
    one, page = matched.held(matched.current, matched.ada), f"{PAGE}?user=ada"
    fields = fields_of(body_of(browser.get(page)), one.id)

    answer = browser.post(
        of("decide", matched), {**fields, "kind": "choose_profile", "person": "bob"}
    )
    body = body_of(browser.get(answer["Location"]))

    assert (answer.status_code, answer["Location"]) == (303, page)
    assert "No faces are assigned to Ada yet." in body
    assert f"{matched.ada} is bob." in body
    assert of("decision_take_back", matched) in body
    assert Decision.objects.count() == 1


def test_a_persons_list_comes_in_pages(matched, browser, monkeypatch):
    matched.decide("choose_profile", matched.eve, "ada")
    monkeypatch.setattr(assignment_rows, "PER_PAGE", 1)

    first = body_of(browser.get(PAGE, {"user": "ada"}))
    address = first.rpartition(">More</a>")[0].rpartition('href="')[2].partition('"')[0]
    second = body_of(browser.get(address.replace("&amp;", "&")))

    assert of("cluster", matched, cluster_id=matched.eve) in first
    assert of("cluster", matched, cluster_id=matched.ada) not in first
    assert of("cluster", matched, cluster_id=matched.ada) in second
    assert ">More</a>" not in second


def test_a_cursor_of_another_list_is_refused(matched, browser):
    assert browser.get(PAGE, {"user": "ada", "cursor": "AAAA"}, headers=HTML).status_code == 400


@pytest.mark.parametrize("typed", ["nobody", "<script>alert(1)</script>", "a\x00b", "x" * 3000])
def test_an_unknown_name_is_reported_by_a_page(matched, browser, typed):
    answer = browser.get(PAGE, {"user": typed}, headers=HTML)

    assert answer.status_code in (404, 422)
    assert "<script>alert" not in body_of(answer)


def test_names_are_text_not_markup(album, people, page_of):
    name = "<script>alert(1)</script>" + "x" * 60
    people.enrol("ada", ADA, name=name)
    people.enrol("bob", BOB, name='"><img src=x onerror=alert(1)>')
    album.match(album.cluster((ADA, BOB), (ADA, BOB)))
    browser = page_of("reviewer")

    shown = ("&lt;script&gt;alert(1)", {"user": "ada"}), ("&gt;&lt;img src=x", {"user": "bob"})
    for text, asked in (*shown, (shown[0][0], {}), (shown[1][0], {})):
        body = body_of(browser.get(PAGE, asked))
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert text in body


def test_after_a_preview_without_scripts_the_rows_lead_back_to_the_list(matched, browser):
    body = body_of(
        browser.post(reverse("matching"), {"collection": matched.name.path}, headers=HTML)
    )
    one = matched.held(matched.current, matched.ada)

    back = fields_of(body, one.id)["back"]

    assert browser.get(back).status_code == 200


@pytest.mark.parametrize("field", ["user", "person"])
def test_people_are_offered_while_a_name_is_typed(matched, browser, field):
    assert 'data-person="ada"' in body_of(browser.get(reverse("people_options"), {field: "Ad"}))

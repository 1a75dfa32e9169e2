"""The page that says who decided what."""

import pytest

from assignments.deciding import request_decided
from assignments.views import activity
from clustering.decisions.deciding import Asked
from clustering.decisions.documents import Decision
from clustering.decisions.forgetting import decisions_forget
from clustering.decisions.kinds import Kind
from tests.assignments.pages import HTML, body_of, of
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

PAGE = "/activity/"


@pytest.fixture
def reviewed(matched):
    reviewed = Reviewed(matched)
    reviewed.decide("reject", cluster=matched.ada, faces=(reviewed.face("p0.png"),))
    reviewed.decide("not_same", cluster=matched.ada, other=matched.bob)
    return reviewed


def test_it_lists_the_newest_first_with_who_and_what(reviewed, page_of):
    body = body_of(page_of("viewer").get(PAGE))

    assert body.index("are not the same person") < body.index("1 face rejected")
    assert "<td>ada</td>" in body
    assert 'name="decision"' not in body


def test_filters_choose_by_person_and_kind(reviewed, page_of):
    browser = page_of("viewer")

    assert "1 face rejected" not in body_of(browser.get(PAGE, {"kind": "not_same"}))
    assert "Nothing was decided that fits." in body_of(browser.get(PAGE, {"by": "<b>eve"}))
    assert "&lt;b&gt;eve" in body_of(browser.get(PAGE, {"by": "<b>eve"}))


def test_earlier_ones_are_on_the_next_page(reviewed, page_of, monkeypatch):
    monkeypatch.setattr(activity, "PER_PAGE", 1)
    browser = page_of("viewer")

    first = body_of(browser.get(PAGE))
    cursor = first.split("cursor=")[1].split('"')[0]
    second = body_of(browser.get(f"{PAGE}?cursor={cursor}"))

    assert "1 face rejected" not in first
    assert "1 face rejected" in second
    assert "cursor=" not in second


def test_it_looks_no_further_than_a_page_may_cost_and_says_so(reviewed, page_of, monkeypatch):
    monkeypatch.setattr(activity, "PER_PAGE", 1)
    monkeypatch.setattr(activity, "LOOKED_AT", 1)

    body = body_of(page_of("viewer").get(PAGE, {"kind": "reject"}))

    assert "None of these 1 decisions fits." in body
    assert "kind=reject&amp;cursor=" in body


def test_a_reviewer_undoes_from_there(reviewed, matched, page_of):
    browser = page_of("reviewer")
    decision = body_of(browser.get(PAGE)).split('name="decision" value="')[2].split('"')[0]

    answer = browser.post(
        of("decision_take_back", matched), {"decision": decision, "back": PAGE}, headers=HTML
    )

    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert "undone" in body_of(browser.get(PAGE))
    assert "Undone: number 1, reject." in body_of(browser.get(PAGE))
    reviewed.write()
    assert reviewed.label("p0.png") == matched.ada


def test_a_viewer_may_not_undo_from_there(reviewed, matched, page_of):
    browser, decision = page_of("viewer"), Decision.objects.order_by("place").first()

    answer = browser.post(
        of("decision_take_back", matched), {"decision": decision.id, "back": PAGE}, headers=HTML
    )

    assert answer.status_code == 403
    assert Decision.objects.count() == 2


def test_names_are_shown_as_they_are_written(reviewed, matched, page_of):
    request_decided(
        matched.name.path,
        Asked(kind=Kind.CHOOSE_PROFILE, cluster=matched.ada, user_id="ada"),
        by="<img src=x>",
    )
    browser = page_of("viewer")

    body = body_of(browser.get(PAGE, {"by": "<img src=x>"}))
    decisions_forget("ada")
    erased = body_of(browser.get(PAGE, {"by": "<img src=x>"}))

    assert "<td>&lt;img src=x&gt;</td>" in body
    assert "<img src=x>" not in body
    assert "A cluster is ada." in body
    assert "A cluster is somebody who was erased." in erased


def test_without_collections_and_without_decisions_it_says_what_to_do(stores, page_of):
    assert "No collection yet." in body_of(page_of("viewer").get(PAGE))


def test_a_cursor_of_another_list_is_400_and_an_unknown_collection_404(reviewed, page_of):
    browser = page_of("viewer")

    assert browser.get(PAGE, {"cursor": "YS9iCTE"}, headers=HTML).status_code == 400
    assert browser.get(PAGE, {"collection": "no/such"}, headers=HTML).status_code == 404


def test_strangers_log_in_first(stores, client, db):
    assert client.get(PAGE).status_code == 302

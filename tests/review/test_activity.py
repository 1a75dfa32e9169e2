"""The page that says who decided what."""

import pytest

from clustering.decisions.documents import Decision
from clustering.decisions.redaction import redact_decisions
from review.views import activity
from tests.clustering.deciding import Reviewed
from tests.review.pages import HTML, body_of, of

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
    assert ">Undo</button>" not in body


def test_filters_choose_by_person_and_kind(reviewed, page_of):
    browser = page_of("viewer")

    assert "1 face rejected" not in body_of(browser.get(PAGE, {"kind": "not_same"}))
    assert "No decisions match the filters." in body_of(browser.get(PAGE, {"by": "<b>eve"}))
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


def test_a_reviewer_undoes_from_there(reviewed, matched, page_of):
    browser = page_of("reviewer")
    decision = body_of(browser.get(PAGE)).split('name="decision" value="')[2].split('"')[0]

    answer = browser.post(
        of("decision_take_back", matched), {"decision": decision, "back": PAGE}, headers=HTML
    )

    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert "undone" in body_of(browser.get(PAGE))
    reviewed.write()
    assert reviewed.label("p0.png") == matched.ada


def test_clusters_are_called_as_they_are_now_and_lead_there(reviewed, matched, page_of):
    split = reviewed.decide("split", cluster=matched.eve, faces=(reviewed.face("p0.png", index=2),))
    body = body_of(page_of("viewer").get(PAGE))

    assert f"1 face rejected from {matched.ada}." in body
    assert f"{matched.ada} and {matched.bob} are not the same person." in body
    assert f"1 face split from {matched.eve} as {split.label}." in body
    assert f'href="{of("cluster", matched, cluster_id=split.label)}"' in body


def test_a_run_that_calls_them_otherwise_is_followed(reviewed, matched, page_of):
    matched.photos((3,), (3,), (3,), (3,), first=10)
    reviewed.rerun()
    ada, bob = reviewed.label("p1.png", 0), reviewed.label("p1.png", 1)

    assert ada != matched.ada
    assert f"{ada} and {bob} are not the same person." in body_of(page_of("viewer").get(PAGE))


def test_what_is_merged_is_called_as_it_was_and_in_a_later_run_as_no_more(
    reviewed, matched, page_of
):
    reviewed.decide("merge", cluster=matched.bob, other=matched.eve)
    browser = page_of("viewer")
    now = body_of(browser.get(PAGE, {"kind": "merge"}))
    reviewed.rerun(full=True, min_samples=3)
    later = body_of(browser.get(PAGE, {"kind": "merge"}))

    assert f"{matched.eve} merged into {matched.bob}." in now
    assert f"A person that no longer exists merged into {reviewed.label('p1.png', 1)}." in later


def test_an_undo_says_what_it_undid_and_the_undone_by_which(reviewed, page_of):
    [rejected] = [one for one in Decision.objects if one.seq == 1]
    undo = reviewed.undo(rejected)
    browser = page_of("viewer")
    undone = body_of(browser.get(PAGE, {"kind": "reject"}))
    reviewed.undo(undo)
    again = body_of(browser.get(PAGE))

    assert '<span class="tag quiet">undone</span> by #3 of ada' in undone
    assert "#1 undone (reject)." in again
    assert "#3 undone (undo)." in again
    assert again.count('<span class="tag quiet">undone</span>') == 1
    assert "by #4 of ada" in again


def test_an_undo_that_later_decisions_stand_against_names_them(reviewed, matched, page_of):
    reviewed.decide("move", to=matched.eve, faces=(reviewed.face("p0.png"),))
    [rejected] = [one for one in Decision.objects if one.seq == 1]

    answer = page_of("reviewer").post(
        of("decision_take_back", matched), {"decision": rejected.id, "back": PAGE}, headers=HTML
    )

    assert answer.status_code == 409
    assert "Later decisions changed the same faces; undo those first." in body_of(answer)
    assert Decision.objects.count() == 3


def test_viewers_undo_nothing(reviewed, matched, page_of):
    [rejected] = [one for one in Decision.objects if one.seq == 1]

    answer = page_of("viewer").post(
        of("decision_take_back", matched), {"decision": rejected.id, "back": PAGE}, headers=HTML
    )

    assert answer.status_code == 403
    assert Decision.objects.count() == 2


def test_a_person_who_was_erased_is_named_no_more(reviewed, matched, page_of):
    reviewed.decide("choose_profile", cluster=matched.ada, user_id="ada")
    browser = page_of("viewer")

    before = body_of(browser.get(PAGE))
    redact_decisions("ada")
    after = body_of(browser.get(PAGE))

    assert f"{matched.ada} is Ada." in before
    assert f"{matched.ada} is an erased person." in after


def test_the_author_of_a_decision_may_have_any_name(reviewed, page_of):
    Decision.objects.update(set__by="<script>alert(1)</script>")

    body = body_of(page_of("viewer").get(PAGE))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert "<script>alert" not in body


def test_where_none_of_many_fits_it_leads_on_to_earlier_ones(reviewed, page_of, monkeypatch):
    monkeypatch.setattr(activity, "PER_PAGE", 1)
    monkeypatch.setattr(activity, "LOOKED_AT", 1)

    body = body_of(page_of("viewer").get(PAGE, {"kind": "reject"}))

    assert "None of the last 1 decisions match the filters." in body
    assert "cursor=" in body


def test_without_collections_and_without_decisions_it_says_what_to_do(stores, page_of):
    assert "No collection yet." in body_of(page_of("viewer").get(PAGE))


def test_a_cursor_of_another_list_is_400_and_an_unknown_collection_404(reviewed, page_of):
    browser = page_of("viewer")

    assert browser.get(PAGE, {"cursor": "YS9iCTE"}, headers=HTML).status_code == 400
    assert browser.get(PAGE, {"collection": "no/such"}, headers=HTML).status_code == 404


def test_strangers_log_in_first(stores, client, db):
    assert client.get(PAGE).status_code == 302

"""The page of a collection: who is shown, in which order, and what can be done from there."""

import pytest

from clustering.decisions.refresh import clusters_refresh
from tests.assignments.pages import HTML, body_of, of, part
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services


@pytest.fixture
def shown(matched, page_of):
    """Return the labels on the page, in their order."""
    browser = page_of("viewer")

    def labels(**query):
        body = body_of(browser.get(of("collection", matched), query))
        return [one.split('"')[0] for one in body.split('id="cluster-')[1:]]

    return labels


def test_names_and_states_are_on_the_cards(matched, page_of):
    body = body_of(page_of("reviewer").get(of("collection", matched)))

    assert "<strong>Ada</strong>" in body
    assert f"<strong>{matched.eve}</strong>" in body
    assert "Same person?" in body


def test_a_viewer_is_offered_no_queue(matched, page_of):
    assert "Same person?" not in body_of(page_of("viewer").get(of("collection", matched)))


def test_filters_choose(shown, matched):
    assert set(shown(show="assigned")) == {matched.ada, matched.bob}
    assert set(shown(show="unassigned")) == {matched.eve}
    assert set(shown(show="small")) == {matched.ada, matched.bob, matched.eve}
    assert shown(q="aDá") == [matched.ada]
    assert shown(q="<b>") == []
    assert shown(show="nonsense", order="nonsense") == shown(order="size")


def test_orders_order(shown, matched):
    assert shown(order="name")[0] == matched.ada
    assert set(shown(order="cohesion")) == {matched.ada, matched.bob, matched.eve}


def test_whoever_is_on_the_newest_photo_comes_first_also_after_a_decision(shown, matched):
    matched.paint("new.png", 2, shade=70, taken="2024:05:01 10:00:00")
    matched.paint("newer.png", 3, shade=71, taken="2024:06:01 10:00:00")
    matched.run()
    assert shown(order="newest")[:2] == [matched.label("newer.png"), matched.label("new.png")]
    reviewed = Reviewed(matched)

    reviewed.decide("move", faces=(reviewed.face("newer.png"),), to=matched.label("p0.png"))
    clusters_refresh(matched.name.path, vectors=matched.vectors)

    assert shown(order="newest")[:2] == [matched.label("p0.png"), matched.label("new.png")]


def test_pages_of_a_choice_go_on(shown):
    assert shown(show="assigned", **{"from": "1"}) != shown(show="assigned")
    assert shown(show="assigned", **{"from": "99999999999999"}) == shown(show="assigned")


def test_htmx_gets_the_cards_alone(matched, page_of):
    body = body_of(page_of("viewer").get(of("collection", matched), headers=part("people")))

    assert body.lstrip().startswith('<div id="people"')


def test_a_preview_is_seen_and_dropped_or_applied(matched, page_of):
    preview = matched.run(full=True, preview=True)
    browser = page_of("reviewer")
    address = of("collection", matched) + f"?run={preview.id}"

    assert "This is a preview." in body_of(browser.get(address))
    dropped = browser.post(f"/runs/{preview.id}/drop/")

    assert dropped.status_code == 303
    assert browser.get(address, headers=HTML).status_code == 404


def test_what_is_no_preview_is_not_dropped(matched, page_of):
    answer = page_of("reviewer").post(f"/runs/{matched.current.id}/drop/", headers=HTML)

    assert answer.status_code == 409


def test_a_preview_shows_the_faces_that_would_be_elsewhere(matched, page_of):
    preview = matched.run(full=True, preview=True, eps=1.9)
    assert preview.changes["moved_faces"]

    body = body_of(page_of("viewer").get(of("collection", matched) + f"?run={preview.id}"))

    assert body.count("→ cluster_0</span>") == preview.changes["moved_faces"]
    assert "Apply it" not in body


def test_those_who_lost_faces_to_the_ignored_are_found(shown, matched):
    assert shown(show="ignored") == []
    reviewed = Reviewed(matched)

    reviewed.decide("ignore", faces=(reviewed.face("p0.png"),))

    assert shown(show="ignored") == [matched.ada]

"""The queues as pages: what is asked, what comes next, what is put off."""

import re

import pytest

from clustering.decisions.documents import Decision
from review import services as review_services
from review.last_seen import LastSeen
from review.queues import Queue
from tests.clustering.deciding import Reviewed
from tests.review.pages import HTML, body_of, of, part

pytestmark = pytest.mark.services

CARD = r'name="card" value="(cluster_\d+)"'


@pytest.fixture
def who(matched, page_of):
    """Open the queue that asks for names."""
    browser = page_of("reviewer")

    def page():
        return body_of(browser.get(of("queue", matched, queue="who")))

    page.browser = browser
    return page


@pytest.mark.parametrize("queue", [one.value for one in Queue])
def test_every_queue_opens_and_says_when_nothing_waits(matched, page_of, queue):
    body = body_of(page_of("reviewer").get(of("queue", matched, queue=queue)))

    assert Queue(queue).asks in body
    assert "Queue finished." in body


def test_who_is_this_asks_about_unassigned_clusters(who, matched):
    body = who()

    assert f'name="card" value="{matched.eve}"' in body
    assert f'name="card" value="{matched.ada}"' not in body
    assert "1 left" in body


def test_yes_is_a_key_for_a_likely_person(family, page_of, monkeypatch):
    entries = {**review_services.CATALOGUE, family.engine.embedder_id: family.engine.entry}
    monkeypatch.setattr(review_services, "CATALOGUE", entries)
    body = body_of(page_of("reviewer").get(of("queue", family, queue="who")))

    cards = {re.search(CARD, card)[1]: card for card in body.split("<article")[1:]}
    stranger = cards.pop(family.label("p3.png"))
    assert 'data-key="1"' in stranger
    assert "unlikely" in stranger
    for card in cards.values():
        assert 'data-key="y Enter 1"' in card
        assert card.count("unlikely") == 1  # the other one of the two


def test_an_answer_brings_count_undo_line_and_no_card_that_is_shown(who, matched):
    fields = {"queue": "who", "card": matched.eve, "shown": [matched.eve], "cluster": matched.eve}

    answer = who.browser.post(
        of("decide", matched), {**fields, "kind": "ignore:*"}, headers=part("")
    )

    assert answer.status_code == 200
    assert "0 left" in body_of(answer)
    assert 'id="undo-line"' in body_of(answer)
    page = of("queue", matched, queue="who")
    assert re.search(rf'name="back"\s+value="{page}"\s+data-here', body_of(answer))
    assert "data-card" not in body_of(answer)
    assert "0 left" in who()


def test_an_answered_card_is_not_answered_twice(who, matched):
    fields = {"queue": "who", "card": matched.eve, "cluster": matched.eve, "kind": "ignore:*"}

    first = who.browser.post(of("decide", matched), fields, headers=part(""))
    second = who.browser.post(of("decide", matched), fields, headers=part(""))

    assert (first.status_code, second.status_code) == (200, 409)
    assert "Another reviewer answered this meanwhile." in body_of(second)
    assert Decision.objects.count() == 1


def test_later_puts_a_card_last(who, matched):
    who.browser.post(of("decide", matched), {"kind": "reject_profile:ada", "cluster": matched.ada})
    first = who().split('name="card" value="')[1].split('"')[0]

    answer = who.browser.post(of("queue_later", matched, queue="who"), {"card": first})

    assert answer.status_code == 303
    assert who().split('name="card" value="')[1].split('"')[0] != first
    assert "2 left" in who()


def test_a_queue_that_does_not_exist_is_404(matched, page_of):
    address = of("collection", matched) + "-/nothing/"

    assert page_of("reviewer").get(address, headers=HTML).status_code == 404


def test_viewers_have_no_queues_and_strangers_log_in(matched, page_of, client):
    assert client.get(of("queue", matched, queue="same")).status_code == 302
    answer = page_of("viewer").get(of("queue", matched, queue="same"), headers=HTML)
    assert answer.status_code == 403


@pytest.fixture
def grown(matched):
    """A second run brought another photo of Ada."""
    matched.photos((1,), first=60)
    matched.run()
    return matched


def test_faces_added_to_clusters_since_the_run_before_are_new(grown, page_of):
    browser = page_of("reviewer")

    body = body_of(browser.get(of("queue", grown, queue="new")))

    assert "1 left" in body
    assert f'name="faces" value="{Reviewed(grown).face("p60.png")}"' in " ".join(body.split())


def test_of_a_first_run_nothing_is_new(matched, page_of):
    assert "0 left" in body_of(page_of("reviewer").get(of("queue", matched, queue="new")))


def test_seen_faces_are_no_longer_new_only_for_the_reviewer_who_saw_them(grown, page_of):
    browser = page_of("reviewer")

    answer = browser.post(of("queue_seen", grown))

    assert answer.status_code == 303
    assert "0 left" in body_of(browser.get(of("queue", grown, queue="new")))
    assert "1 left" in body_of(page_of("admin").get(of("queue", grown, queue="new")))


@pytest.mark.parametrize(
    ("shown_at", "is_all"),
    [
        ("2000-01-01T00:00:00+00:00", False),  # what came after the page was shown is new still
        ("9999-01-01T00:00:00+00:00", True),
        ("2000-01-01T00:00:00", True),
        ("yesterday", True),
    ],
)
def test_seen_is_what_the_page_showed(grown, page_of, shown_at, is_all):
    browser = page_of("reviewer")

    browser.post(of("queue_seen", grown), {"shown_at": shown_at})

    assert (">0 left<" in body_of(browser.get(of("queue", grown, queue="new")))) == is_all


def test_an_answer_takes_it_off_the_new_ones(grown, page_of):
    browser, face = page_of("reviewer"), Reviewed(grown).face("p60.png")
    fields = {"queue": "new", "card": face, "faces": face, "cluster": grown.ada}

    answer = browser.post(of("decide", grown), {**fields, "kind": "confirm"}, headers=part(""))

    assert answer.status_code == 200
    assert "0 left" in body_of(browser.get(of("queue", grown, queue="new")))


def test_a_new_face_returns_by_an_undo_although_the_queue_was_shown_meanwhile(grown, page_of):
    browser, reviewed = page_of("reviewer"), Reviewed(grown)
    face, label = reviewed.face("p60.png"), reviewed.label("p60.png")
    rejected = reviewed.decide("reject", faces=(face,), cluster=label)
    assert "0 left" in body_of(browser.get(of("queue", grown, queue="new")))

    reviewed.undo(rejected)

    assert "1 left" in body_of(browser.get(of("queue", grown, queue="new")))


def test_who_looked_when_goes_with_the_collection(grown, page_of, admin):
    page_of("reviewer").post(of("queue_seen", grown))

    admin.delete(f"/api/v1/collections/{grown.name.path}/")

    assert not LastSeen.objects.count()


def test_how_much_waits_is_told_for_the_page_and_in_words(matched, page_of):
    browser = page_of("reviewer")

    page = body_of(browser.get(of("queues_waiting", matched)))
    words = body_of(browser.get(of("queues_waiting", matched) + "?as=words"))

    assert page.count("<a ") == len(Queue)
    assert "Who is this? 1" in words
    assert "Triage" not in words


@pytest.mark.parametrize("kind", ["ignore", "not_a_face", "move:new"])
def test_what_was_undone_is_asked_again(matched, page_of, kind):
    reviewed, browser = Reviewed(matched), page_of("reviewer")
    face = reviewed.face("p0.png")
    browser.post(of("decide", matched), {"kind": "reject", "cluster": matched.ada, "faces": face})
    browser.post(of("decision_take_back", matched))
    matched.photos((77,), first=60)
    matched.run()
    page = of("queue", matched, queue="triage")
    asked = reviewed.face("p60.png")
    assert f'name="card" value="{asked}"' in body_of(browser.get(page))

    browser.post(of("decide", matched), {"kind": kind, "faces": asked})
    assert f'name="card" value="{asked}"' not in body_of(browser.get(page))
    browser.post(of("decision_take_back", matched))

    assert f'name="card" value="{asked}"' in body_of(browser.get(page))

"""The page of a collection: who is shown, in which order, and what can be done from there."""

import pytest

from assignments.documents import Assignment
from clustering.decisions.cluster_stats import refresh_cluster_stats
from clustering.selectors import iter_clusters
from tests.clustering.deciding import Reviewed
from tests.review.pages import HTML, body_of, of, part

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
    assert f"<small>{matched.eve} · " in body
    assert "Same person?" in body


def test_a_viewer_is_offered_no_queue(matched, page_of):
    assert "Same person?" not in body_of(page_of("viewer").get(of("collection", matched)))


def test_filters_choose(shown, matched):
    assert shown(show="assigned") == [matched.ada, matched.bob]
    assert shown(show="unassigned") == [matched.eve]
    assert shown(show="suspicious") == []
    assert shown(q="aDá") == [matched.ada]
    assert shown(q="<b>") == []
    assert shown(show="nonsense", order="nonsense") == shown(order="size")


def test_up_to_three_faces_are_few(shown, matched):
    assert shown(show="small") == ["cluster_0", "cluster_1", "cluster_2"]

    matched.photos((1,), first=60)
    matched.run()

    assert matched.label("p0.png") == "cluster_0"
    assert shown(show="small") == ["cluster_1", "cluster_2"]


def test_the_largest_come_first_unless_another_order_is_asked_for(shown, matched):
    matched.photos((3,), (3,), first=60)
    matched.run()
    by_size = [matched.label("p3.png"), matched.label("p0.png"), matched.label("p0.png", 1)]

    assert shown() == shown(order="size") == by_size


def test_the_least_alike_come_first_by_cohesion(shown, matched):
    """A face of another person makes one cluster less alike than the others."""
    reviewed = Reviewed(matched)
    reviewed.decide("move", faces=(reviewed.face("p3.png"),), to=matched.bob)
    refresh_cluster_stats(matched.name.path, vectors=matched.vectors)
    cohesion = {one.label: one.cohesion for one in iter_clusters(reviewed.run)}
    assert cohesion[matched.bob] < min(cohesion[matched.ada], cohesion[matched.eve]) - 0.1

    assert shown(order="cohesion") == sorted(
        (matched.ada, matched.bob, matched.eve), key=cohesion.__getitem__
    )
    assert shown(order="cohesion")[0] == matched.bob
    assert shown(show="suspicious") == [matched.bob]


def test_the_least_sure_come_first_by_similarity_and_unassigned_ones_last(shown, matched):
    Assignment.objects(cluster=matched.ada).update(set__similarity=0.9)
    Assignment.objects(cluster=matched.bob).update(set__similarity=0.7)
    assert shown(order="similarity") == [matched.bob, matched.ada, matched.eve]

    Assignment.objects(cluster=matched.bob).update(set__similarity=0.95)
    assert shown(order="similarity") == [matched.ada, matched.bob, matched.eve]


def test_names_are_in_order_of_the_alphabet_and_those_without_one_last(shown, matched, people):
    people.enrol("zoe", 90, name="Ábel")
    matched.decide("choose_profile", matched.eve, "zoe")
    assert shown(order="name") == [matched.eve, matched.ada, matched.bob]

    matched.decide("reject_profile", matched.ada, "ada")
    assert shown(order="name") == [matched.eve, matched.bob, matched.ada]


def test_order_newest_sorts_by_the_newest_photo_also_after_a_decision(shown, matched):
    matched.paint("new.png", 2, shade=70, taken="2024:05:01 10:00:00")
    matched.paint("newer.png", 3, shade=71, taken="2024:06:01 10:00:00")
    matched.run()
    undated = matched.label("p0.png")
    dated = [matched.label("newer.png"), matched.label("new.png")]
    assert shown(order="newest") == [*dated, undated]
    reviewed = Reviewed(matched)

    reviewed.decide("move", faces=(reviewed.face("newer.png"),), to=matched.label("p0.png"))
    refresh_cluster_stats(matched.name.path, vectors=matched.vectors)

    assert shown(order="newest")[:2] == [matched.label("p0.png"), matched.label("new.png")]


def test_pages_of_a_choice_go_on(shown, matched, monkeypatch):
    assert shown(show="assigned", **{"from": "1"}) == [matched.bob]
    assert shown(show="assigned", **{"from": "2"}) == []
    assert shown(show="assigned", **{"from": "99999999999999"}) == [matched.ada, matched.bob]

    monkeypatch.setattr("review.views.collection.PER_PAGE", 2)
    assert shown(order="name") == [matched.ada, matched.bob]
    assert shown(order="name", **{"from": "2"}) == [matched.eve]


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
    assert ">Apply</button>" not in body


def test_those_who_lost_faces_to_the_ignored_are_found(shown, matched):
    assert shown(show="ignored") == []
    reviewed = Reviewed(matched)

    reviewed.decide("ignore", faces=(reviewed.face("p0.png"),))

    assert shown(show="ignored") == [matched.ada]

"""In which order the queues ask, and what is asked last."""

import re

import pytest

from clustering.documents import Member
from clustering.selectors import list_members
from tests.clustering.deciding import Reviewed
from tests.review.pages import body_of, of

pytestmark = pytest.mark.services

ADA, BOB, EVE = 10, 90, 170


@pytest.fixture
def browser(page_of):
    return page_of("reviewer")


def asked(browser, album, queue):
    """Return the keys of the cards in the page of a queue, in their order."""
    body = body_of(browser.get(of("queue", album, queue=queue)))
    return re.findall(r'name="shown"\s+value="([^"]*)"', body)


def people(album, **photos):
    """Paint some photos of each person and cluster them."""
    for person, count in photos.items():
        for number in range(count):
            shade = 10 * len(person) + number
            album.paint(
                f"{person}{number}.png", {"ada": ADA, "bob": BOB, "eve": EVE}[person], shade=shade
            )
    album.run()
    return Reviewed(album)


def test_the_most_alike_are_asked_about_first(album, browser, viewer):
    reviewed = people(album, ada=9)
    for number in range(2):
        faces = tuple(reviewed.face(f"ada{one}.png") for one in range(3 * number, 3 * number + 3))
        reviewed.decide("move", faces=faces, to="new")
    reviewed.rerun(full=True)

    answer = viewer.get(f"/api/v1/runs/{reviewed.run.id}/proposals/").json()["proposals"]
    alike = [one["similarity"] for one in answer]

    assert len(set(alike)) == 3
    assert alike == sorted(alike, reverse=True)
    cards = [f"{one['cluster_id']}~{one['other_cluster_id']}" for one in answer]
    assert asked(browser, album, "same") == cards


def test_the_faces_that_stand_out_most_are_asked_about_first(album, browser):
    reviewed = people(album, ada=8, bob=7, eve=6)
    odd = {"ada3.png": 0.8, "bob2.png": 0.5, "eve5.png": 0.7}
    for file, similarity in odd.items():
        face = Member.id_for(reviewed.run.id, reviewed.face(file))
        Member.objects(id=face).update(set__similarity=similarity)

    expected = [reviewed.face(file) for file in ("bob2.png", "eve5.png", "ada3.png")]

    assert asked(browser, album, "odd") == expected


def test_a_face_that_stands_out_returns_by_an_undo_although_the_queue_was_shown(album, browser):
    reviewed = people(album, ada=8)
    face, label = reviewed.face("ada3.png"), reviewed.label("ada3.png")
    Member.objects(id=Member.id_for(reviewed.run.id, face)).update(set__similarity=0.8)
    rejected = reviewed.decide("reject", faces=(face,), cluster=label)
    assert asked(browser, album, "odd") == []

    reviewed.undo(rejected)

    assert asked(browser, album, "odd") == [face]


def test_the_largest_without_a_name_are_asked_about_first(album, browser):
    people(album, ada=2, bob=4, eve=3)

    assert asked(browser, album, "who") == ["cluster_0", "cluster_1", "cluster_2"]


def test_single_faces_are_asked_about_in_the_order_of_their_list(album, browser):
    reviewed = people(album, ada=2)
    for number in range(3):
        album.paint(f"single{number}.png", 200 + 20 * number, shade=number)
    album.run()

    listed = [one.face for one in list_members(reviewed.run, "noise", limit=9)]

    assert len(listed) == 3
    assert asked(browser, album, "triage") == listed


def test_the_newest_faces_are_asked_about_first(album, browser):
    reviewed = people(album, ada=2)
    browser.post(of("queue_seen", album))
    for number in range(3):
        album.paint(f"later{number}.png", ADA, shade=100 + number)
        album.run()

    expected = [reviewed.face(f"later{number}.png") for number in (2, 1, 0)]

    assert asked(browser, album, "new") == expected


def test_what_was_put_off_comes_last_in_the_order_it_was_put_off(album, browser):
    people(album, ada=2, bob=4, eve=3)
    for card in ("cluster_1", "cluster_0"):
        browser.post(of("queue_later", album, queue="who"), {"card": card})
    assert asked(browser, album, "who") == ["cluster_2", "cluster_1", "cluster_0"]

    browser.post(of("queue_later", album, queue="who"), {"card": "cluster_1"})
    assert asked(browser, album, "who") == ["cluster_2", "cluster_0", "cluster_1"]

"""The page of a face: the photo with its boxes, and why the face is where it is."""

import re

import pytest

from tests.clustering.deciding import Reviewed
from tests.review.pages import HTML, body_of, of

pytestmark = pytest.mark.services


@pytest.fixture
def reviewed(matched):
    return Reviewed(matched)


def test_it_says_the_rule_the_neighbours_and_the_other_candidates(matched, reviewed, page_of):
    body = body_of(page_of("viewer").get(f"/faces/{reviewed.face('p0.png')}/"))

    assert "Grouped automatically: dbscan, strictness 0.1" in body
    assert body.count('class="box-line') == 3
    assert "Most similar faces of this person" in body
    assert 'name="kind"' not in body


def test_the_others_on_the_photo_are_named(matched, reviewed, page_of):
    body = body_of(page_of("viewer").get(f"/faces/{reviewed.face('p0.png', 1)}/"))

    names = re.findall(r'<text class="box-name"[^>]*>([^<]*)</text>', body)
    assert sorted(names) == ["Ada", matched.eve]


def neighbours(browser, face):
    why = browser.get(f"/faces/{face}/").context["why"]
    return [(one.face, one.similarity, one.is_confirmed) for one in why.neighbours]


def test_the_nearest_faces_come_by_likeness_behind_those_that_were_confirmed(
    matched, reviewed, page_of
):
    matched.photos(*[(1,)] * 4, first=60)
    matched.run()
    face, browser = reviewed.face("p0.png"), page_of("viewer")

    found = neighbours(browser, face)
    alike = [similarity for _, similarity, _ in found]
    assert len({one for one, _, _ in found} - {face}) == len(found) == 6
    assert alike == sorted(alike, reverse=True)
    assert len(set(alike)) == 6

    said = (found[4][0], found[2][0])
    reviewed.decide("confirm", faces=said, cluster=reviewed.label("p0.png"))

    again = [(one, is_confirmed) for one, _, is_confirmed in neighbours(browser, face)]
    rest = [(one, False) for one, _, _ in found if one not in said]
    assert again == [(said[1], True), (said[0], True), *rest]


def test_it_says_who_decided(matched, reviewed, page_of):
    face = reviewed.face("p0.png")
    browser = page_of("reviewer")
    browser.post(of("decide", matched), {"kind": "confirm", "cluster": matched.ada, "faces": face})

    body = body_of(browser.get(f"/faces/{face}/"))

    assert "Decided by reviewer-person; runs do not change it." in body
    assert "confirm" in body


def test_an_ignored_face_can_be_restored(matched, reviewed, page_of):
    face = reviewed.face("p0.png")
    browser = page_of("reviewer")
    browser.post(of("decide", matched), {"kind": "ignore", "faces": face})

    body = body_of(browser.get(f"/faces/{face}/"))
    browser.post(of("decide", matched), {"kind": "restore", "faces": face})

    assert "A reviewer marked it as not a face or ignored it." in body
    assert "Restore" in body
    assert "Restore" not in body_of(browser.get(f"/faces/{face}/"))


def test_an_unknown_face_is_404(stores, page_of):
    answer = page_of("viewer").get("/faces/00000000-0000-5000-8000-000000000000/", headers=HTML)

    assert answer.status_code == 404


def test_the_photo_is_seen_whole_or_near(matched, reviewed, page_of):
    browser, face = page_of("viewer"), reviewed.face("p0.png")

    whole = body_of(browser.get(f"/faces/{face}/"))
    near = body_of(browser.get(f"/faces/{face}/?zoom"))

    assert 'viewBox="0 0 ' in whole
    assert "Zoom in" in whole
    assert 'viewBox="0 0 ' not in near
    assert "Whole photo" in near

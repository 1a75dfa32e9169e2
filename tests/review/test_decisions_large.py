"""Thousands of faces in one decision over REST and from a page, its undo, one face too many."""

import pytest
from django.urls import reverse

from benchmarks.stored_collection import StoredCollection
from clustering.decisions.commands import MAX_FACES
from clustering.decisions.replay import replay_event_log
from clustering.documents import Member
from clustering.selectors import iter_collection_faces, iter_members
from clustering.services import ensure_projected
from review.views.cluster import FACES_PER_PAGE
from storage.vectors import face_vector_store
from tests.review.pages import body_of

pytestmark = [pytest.mark.services, pytest.mark.long]

PATH = "large/faces"
DECISIONS = "/api/v1/decisions/"


@pytest.fixture
def faces(stores):
    StoredCollection(PATH, faces=17_000, dimension=16).write()
    return [one.id for one in iter_collection_faces(PATH)]


def labels():
    return {one.face: one.cluster for one in iter_members(ensure_projected(PATH))}


def test_ten_thousand_faces_move_in_one_decision_and_come_back(faces, reviewer):
    before = labels()
    some = faces[:10_000]

    answer = reviewer.post(
        DECISIONS,
        {"collection": PATH, "decisions": [{"kind": "move", "faces": some, "to": "noise"}]},
        format="json",
    )
    [result] = answer.json()["results"]
    moved = labels()
    undone = reviewer.post(f"{DECISIONS}{result['decision']['id']}/undo/", {}, format="json")

    assert (answer.status_code, result["decision"]["moved"]) == (201, 10_000)
    assert {moved[face] for face in some} == {"noise"}
    assert {face: moved[face] for face in faces[10_000:]} == {
        face: before[face] for face in faces[10_000:]
    }
    assert undone.status_code == 201
    assert labels() == before
    assert replay_event_log(PATH, vectors=face_vector_store()).is_unchanged


def test_more_faces_than_a_decision_holds_are_refused_and_nothing_is_written(faces, reviewer):
    before = Member.objects(cluster="noise").count()
    many = [f"{number:08x}-0000-5000-8000-000000000000" for number in range(MAX_FACES + 1)]

    answer = reviewer.post(
        DECISIONS,
        {"collection": PATH, "decisions": [{"kind": "move", "faces": many, "to": "noise"}]},
        format="json",
    )

    assert answer.status_code == 422
    assert Member.objects(cluster="noise").count() == before


def test_all_faces_of_a_large_cluster_are_decided_about_from_its_page(faces, page_of):
    browser, name = page_of("reviewer"), {"bucket": "large", "sub": "faces"}
    address = reverse("cluster", kwargs={**name, "cluster_id": "cluster_0"})
    before = labels()
    count = sum(label == "cluster_0" for label in before.values())
    assert count >= 5_000

    body = body_of(browser.get(address))
    said = browser.post(
        reverse("decide", kwargs=name),
        {"kind": "ignore", "cluster": "cluster_0", "everything": "on", "back": address},
    )
    emptied = body_of(browser.get(address))
    undone = browser.post(reverse("decision_take_back", kwargs=name), {"back": address})

    assert (said.status_code, undone.status_code) == (303, 303)
    assert body.count('name="faces"') == FACES_PER_PAGE
    assert f'data-everything="{count}"' in body
    assert f"{count} faces ignored" in emptied
    assert "No face here." in emptied
    assert labels() == before

"""A decision from a page: what follows it, what is refused, and taking it back."""

import re

import pytest
from django.contrib.auth import get_user
from django.test import Client

from clustering.decisions.documents import Decision
from clustering.selectors import list_members
from clustering.services import ensure_projected
from profiles.selectors import find_profile
from storage.pictures import face_crop_store
from tests.clustering.deciding import Reviewed
from tests.clustering.painted import painted_photo
from tests.review.pages import HTML, body_of, of, part

pytestmark = pytest.mark.services


@pytest.fixture
def reviewed(matched):
    return Reviewed(matched)


@pytest.fixture
def decide(matched, page_of):
    """Post a decision as a page does."""
    browser = page_of("reviewer")

    def post(headers=HTML, **fields):
        answer = browser.post(of("decide", matched), fields, headers=headers)
        ensure_projected(matched.name.path)
        return answer

    post.browser = browser
    return post


def test_a_plain_form_goes_back_to_its_page_where_the_undo_line_waits(decide, matched, reviewed):
    back = of("cluster", matched, cluster_id=matched.ada)

    answer = decide(kind="reject", cluster=matched.ada, faces=[reviewed.face("p0.png")], back=back)

    assert (answer.status_code, answer["Location"]) == (303, back)
    assert reviewed.label("p0.png") == "noise"
    assert f"1 face rejected from {matched.ada}." in body_of(decide.browser.get(back))


def test_htmx_gets_the_undo_line_with_the_faces_that_are_gone(decide, matched, reviewed):
    face = reviewed.face("p0.png")

    answer = decide(part("undo-line"), kind="reject", cluster=matched.ada, faces=[face])

    assert answer.status_code == 200
    assert f'data-gone="{face} "' in body_of(answer)
    assert "Undo" in body_of(answer)


def test_many_faces_may_come_in_one_field(decide, matched, reviewed):
    faces = " ".join([reviewed.face("p0.png"), reviewed.face("p1.png")])

    decide(kind="reject", cluster=matched.ada, faces=faces)

    assert {reviewed.label("p0.png"), reviewed.label("p1.png")} == {"noise"}


def test_everything_means_all_faces_of_the_cluster(decide, matched, reviewed):
    decide(kind="ignore:*", cluster=matched.ada)

    assert len(Decision.objects.first().faces) == 3
    assert reviewed.label("p2.png") == "ignored"


@pytest.mark.parametrize("typed", ["bob", "Ada", "  ada "])
def test_a_person_is_chosen_by_id_or_by_name(decide, matched, typed):
    decide(kind="choose_profile", cluster=matched.eve, person=typed)

    assert Decision.objects.first().user == typed.strip().lower()


def test_people_are_called_by_name_when_something_is_taken_back(decide, matched, reviewed):
    face = reviewed.face("p3.png")

    decide(kind="choose_profile:ada", cluster=matched.eve)
    named = body_of(decide.browser.get(of("collection", matched)))
    decide(kind="move", person="ada", faces=[face])
    moved = body_of(decide.browser.get(of("collection", matched)))
    listed = body_of(decide.browser.get(f"/activity/?collection={matched.name.path}"))

    assert f"{matched.eve} is Ada." in named
    assert "1 face moved to Ada." in moved
    assert f"{matched.eve} is Ada." in listed


@pytest.mark.parametrize("kind", ["choose_profile", "move"])
def test_a_name_that_was_not_typed_is_asked_for(decide, matched, reviewed, kind):
    face = reviewed.face("p0.png")

    answer = decide(kind=kind, cluster=matched.ada, faces=[face], person=" ")

    assert answer.status_code == 422
    assert "Type a name." in body_of(answer)


def test_an_unknown_target_of_a_move_is_not_offered_for_enrolment(decide, matched, reviewed):
    face = reviewed.face("p0.png")

    answer = decide(kind="move", cluster=matched.ada, faces=[face], person="Nina")

    assert answer.status_code == 422
    assert "No person is called Nina." in body_of(answer)
    assert "Enrol" not in body_of(answer)


def test_an_unknown_name_is_offered_for_enrolment_and_nothing_is_decided(decide, matched):
    name = "<script>alert(1)</script>" + "x" * 170

    page = decide(kind="choose_profile", cluster=matched.eve, person=name)
    fragment = decide(part("undo-line"), kind="choose_profile", cluster=matched.eve, person=name)

    for answer in (page, fragment):
        assert answer.status_code == 422
        assert "Enrol &lt;script&gt;" in body_of(answer)
        assert "<script>alert" not in body_of(answer)
    assert fragment["HX-Retarget"] == "#undo-line"
    assert not Decision.objects.count()


def test_what_others_decided_meanwhile_is_shown_and_nothing_is_written(decide, matched, reviewed):
    reviewed.decide("not_same", cluster=matched.ada, other=matched.bob)

    answer = decide(
        part("undo-line"), kind="merge", cluster=matched.ada, other=matched.eve, version=0
    )

    assert answer.status_code == 409
    assert answer["HX-Retarget"] == "#undo-line"
    assert "ada · not same" in body_of(answer)
    assert Decision.objects.count() == 1


def test_ones_own_decisions_are_no_news(decide, matched):
    decide(kind="not_same", cluster=matched.ada, other=matched.bob)

    answer = decide(kind="merge", cluster=matched.ada, other=matched.eve, version=0)

    assert answer.status_code == 303
    assert Decision.objects.count() == 2


def test_the_last_decision_is_taken_back_and_then_the_one_before(decide, matched, reviewed):
    decide(kind="reject", cluster=matched.ada, faces=[reviewed.face("p0.png")])
    decide(kind="reject", cluster=matched.bob, faces=[reviewed.face("p1.png", 1)])

    for _ in range(2):
        assert decide.browser.post(of("decision_take_back", matched)).status_code == 303
        ensure_projected(matched.name.path)

    assert (reviewed.label("p0.png"), reviewed.label("p1.png", 1)) == (matched.ada, matched.bob)
    assert decide.browser.post(of("decision_take_back", matched), headers=HTML).status_code == 404


def test_what_was_decided_in_another_window_is_taken_back_in_this_one(decide, matched):
    here, there = decide.browser, Client()
    there.force_login(get_user(here))
    fields = {"cluster": matched.ada, "kind": "confirm_profile:ada"}
    there.post(of("decide", matched), fields)
    there.post(of("decide", matched), {**fields, "kind": "reject_profile:bob"})

    for left in (2, 1, 0):
        line = body_of(here.get(of("collection", matched))).count('name="decision"')
        assert line == (left > 0)
        here.post(of("decision_take_back", matched))


@pytest.mark.parametrize("headers", [HTML, part("undo-line")])
def test_labels_of_a_run_that_is_not_the_newest_any_more_decide_nothing(decide, matched, headers):
    shown = of("cluster", matched, cluster_id=matched.eve)
    run = re.search(r'name="run" value="([^"]*)"', body_of(decide.browser.get(shown)))[1]
    matched.photos((3,), (3,), (3,), first=80)  # Eve becomes the largest, cluster_0
    matched.run()

    answer = decide(headers, kind="choose_profile:bob", cluster="cluster_0", run=run, back=shown)

    assert answer.status_code == 409
    assert "was grouped again since you loaded it" in body_of(answer)
    assert "Load again" in body_of(answer)
    assert not Decision.objects.count()


def test_a_cluster_without_a_face_cannot_be_named(decide, matched):
    decide(kind="merge", cluster=matched.ada, other=matched.eve)

    answer = decide(kind="choose_profile:bob", cluster=matched.eve)

    assert answer.status_code == 422
    assert "has no face any more" in body_of(answer)


@pytest.mark.parametrize("back", ["//evil.example/x", "https://evil.example", "/\\evil.example"])
def test_a_decision_never_redirects_to_another_site(decide, matched, reviewed, back):
    answer = decide(kind="reject", cluster=matched.ada, faces=[reviewed.face("p0.png")], back=back)

    assert answer["Location"] == of("collection", matched)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "nonsense"},
        {"kind": "undo"},
        {"kind": "reject", "cluster": "cluster_0"},
        {"kind": "merge", "cluster": "cluster_0", "other": "cluster_0"},
        {"kind": "move", "to": "cluster_99", "faces": ["00000000-0000-5000-8000-000000000000"]},
        {"kind": "reject", "cluster": "cluster_0", "faces": ["x" * 2000]},
        {"kind": "merge", "cluster": "cluster_0", "other": "cluster_1", "version": "many"},
        {"kind": "choose_profile", "cluster": "cluster_0", "user_id": "nobody-has-this-id"},
        {"kind": "choose_profile", "cluster": "cluster_0", "person": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_refused_as_a_page_and_as_a_toast(decide, fields):
    page, fragment = decide(**fields), decide(part("undo-line"), **fields)

    assert page.status_code == fragment.status_code
    assert page.status_code in (404, 422)
    assert "<html" in body_of(page)
    assert not Decision.objects.count()


def test_viewers_decide_nothing_and_strangers_log_in(matched, page_of, client):
    stranger = client.post(of("decide", matched), {"kind": "reject"})
    viewer = page_of("viewer").post(of("decide", matched), {"kind": "reject"}, headers=HTML)

    assert stranger.status_code == 302
    assert viewer.status_code == 403
    assert not Decision.objects.count()


def test_a_cluster_enrols_a_person_by_its_faces(decide, matched, monkeypatch):
    monkeypatch.setattr("review.views.decide.get_engine", lambda _: matched.engine)

    answer = decide.browser.post(
        of("cluster_enrol", matched), {"cluster": matched.eve, "person": ""}, headers=HTML
    )

    assert answer.status_code == 422
    assert not Decision.objects.count()


def test_faces_too_poor_to_enrol_are_accepted_with_force(decide, matched, monkeypatch):
    monkeypatch.setattr("review.views.decide.get_engine", lambda _: matched.engine)
    for member in list_members(matched.current, matched.eve, limit=9):
        face_crop_store().save(member.face, painted_photo(3, blurred=(3,)))
    typed = {"cluster": matched.eve, "person": "Eve"}
    address = of("cluster_enrol", matched)

    refused = decide.browser.post(address, typed, headers=HTML)
    assert refused.status_code == 422
    assert "is good enough to enrol a person" in body_of(refused)
    assert "best faces anyway" in body_of(refused)
    taken = decide.browser.post(address, {**typed, "force": "on"}, headers=HTML)

    assert taken.status_code == 303
    assert ensure_projected(matched.name.path)
    assert matched.held(matched.current, matched.eve).user_id == "eve"


def test_faces_of_another_run_enrol_no_person(decide, matched, monkeypatch):
    monkeypatch.setattr("review.views.decide.get_engine", lambda _: matched.engine)

    answer = decide.browser.post(
        of("cluster_enrol", matched),
        {"cluster": matched.eve, "person": "Eve", "run": "0" * 24},
        headers=HTML,
    )

    assert answer.status_code == 409
    assert find_profile("eve") is None


@pytest.mark.parametrize("kind", ["move:new", "ignore", "not_a_face"])
@pytest.mark.parametrize("place", ["ada", "noise"])
def test_what_was_shown_somewhere_else_is_not_moved_from_there(
    decide, matched, reviewed, kind, place
):
    face = reviewed.face("p0.png")
    shown = getattr(matched, place, place)
    reviewed.decide("move", faces=[face], to="new")
    decided = Decision.objects.count()

    answer = decide(kind=kind, cluster=shown, faces=[face])

    assert answer.status_code == 409
    assert "is not in this cluster any more" in body_of(answer)
    assert Decision.objects.count() == decided


def test_the_page_of_a_cluster_that_was_merged_leads_to_what_it_became(decide, matched):
    decide(kind="merge", cluster=matched.ada, other=matched.eve)

    body = body_of(decide.browser.get(of("cluster", matched, cluster_id=matched.eve)))

    assert "No face here: merged into" in body
    assert of("cluster", matched, cluster_id=matched.ada) in body


def test_a_refusal_leads_back_to_its_page(decide, matched):
    before = "http://testserver" + of("cluster", matched, cluster_id=matched.ada)

    answer = decide({**HTML, "Referer": before}, kind="reject", cluster=matched.ada)
    elsewhere = decide({**HTML, "Referer": "http://else.example/x"}, kind="reject")

    assert answer.status_code == 422
    assert f'href="{of("cluster", matched, cluster_id=matched.ada)}">Back</a>' in body_of(answer)
    assert "else.example" not in body_of(elsewhere)


def test_a_name_that_is_too_long_is_not_offered_to_be_enrolled(decide, matched):
    answer = decide(kind="choose_profile", cluster=matched.eve, person="x" * 400)

    assert answer.status_code == 422
    assert "Enrol" not in body_of(answer).partition("<main")[2]

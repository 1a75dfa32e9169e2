"""Two profiles that are one person."""

import pytest

from assignments.documents import Assignment
from clustering.decisions.documents import Decision
from profiles.selectors import find_profile, get_profile
from tests.assignments.conftest import ADA
from tests.clustering.deciding import Reviewed
from tests.review.pages import HTML, body_of

pytestmark = pytest.mark.services

ADDRESS = "/profiles/twin/merge/"


@pytest.fixture
def twins(matched, people, monkeypatch):
    """Ada is enrolled twice, and a cluster is assigned to the second profile."""
    monkeypatch.setattr("review.views.person_merge.get_engine", lambda _: matched.engine)
    people.enrol("twin", ADA, name="Ada <b>", shade=3, force=True)
    return matched


@pytest.fixture
def merge(twins, page_of):
    browser = page_of("admin")

    def post(**fields):
        return browser.post(ADDRESS, fields, headers=HTML)

    return post


def test_it_asks_before_anything_changes(merge, people):
    body = body_of(merge(person="ada"))

    assert "Are these the same person?" in body
    assert "Ada &lt;b&gt;" in body
    assert find_profile("twin") is not None


def test_photos_and_what_people_said_become_the_others(merge, twins):
    reviewed = Reviewed(twins)
    reviewed.decide("choose_profile", cluster=twins.eve, user_id="twin")
    reviewed.decide("reject_profile", cluster=twins.bob, user_id="twin")

    answer = merge(person="Ada", sure="on")

    assert answer.status_code == 200
    assert answer.context["receipt"].is_complete
    assert find_profile("twin") is None
    assert len(get_profile("ada").references) == 2
    run = twins.current.id
    assert Assignment.objects(id=Assignment.id_for(run, twins.eve)).first().user_id == "ada"
    assert "ada" in Assignment.objects(id=Assignment.id_for(run, twins.bob)).first().rejected


def test_what_people_said_against_it_refuses_it_and_nothing_changes(merge, twins):
    reviewed = Reviewed(twins)
    reviewed.decide("choose_profile", cluster=twins.ada, user_id="ada")
    reviewed.decide("choose_profile", cluster=twins.eve, user_id="twin")
    reviewed.decide("not_same", cluster=twins.ada, other=twins.eve)
    before = Decision.objects.count()

    answer = merge(person="ada", sure="on")

    assert answer.status_code == 409
    assert find_profile("twin") is not None
    assert Decision.objects.count() == before
    assert len(get_profile("ada").references) == 1


@pytest.mark.parametrize(
    ("person", "status"), [("", 422), ("twin", 422), ("nobody", 422), ("<b>", 422)]
)
def test_it_cannot_be_merged_into_these(merge, person, status):
    assert merge(person=person, sure="on").status_code == status
    assert find_profile("twin") is not None


def test_only_admins_merge(twins, page_of, client):
    assert client.post(ADDRESS, {"person": "ada", "sure": "on"}).status_code == 302
    reviewer = page_of("reviewer")
    assert reviewer.post(ADDRESS, {"person": "ada", "sure": "on"}, headers=HTML).status_code == 403
    assert find_profile("twin") is not None

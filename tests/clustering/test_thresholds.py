"""The page of thresholds: what is in force, and what others would do to a collection."""

import pytest

pytestmark = pytest.mark.services

PAGE = "/thresholds/"


@pytest.fixture
def body(painted, page_of):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.run()
    browser = page_of("admin")

    def page(status=200, **query):
        answer = browser.get(PAGE, {"collection": painted.name.path, **query})
        assert answer.status_code == status
        return answer.content.decode()

    return page


def test_what_is_in_force_is_shown_with_where_it_is_set(body):
    assert "In force: faces of at least 30 px" in body()
    assert "MIN_FACE_SIZE" in body()


def test_others_are_tried_on_the_stored_faces(body):
    assert "<strong>2</strong> of 2 faces would take part" in body(
        min_face_size=0, min_confidence=0, blur_threshold=0
    )
    strict = body(min_face_size=9999)
    assert "<strong>0</strong> of 2 faces" in strict
    assert "2 too small." in strict


@pytest.mark.parametrize("value", ["", "many", "nan", "-1", "inf"])
def test_what_is_no_threshold_is_said_beside_the_form(body, value):
    assert 'role="alert"' in body(422, min_face_size=value)


def test_without_a_collection_it_says_so(stores, page_of):
    assert "No collection to try them on." in page_of("admin").get(PAGE).content.decode()


def test_an_unknown_collection_is_404(stores, page_of):
    answer = page_of("admin").get(PAGE, {"collection": "no/such"}, headers={"Accept": "text/html"})

    assert answer.status_code == 404


def test_others_are_refused_and_strangers_log_in(stores, page_of, client):
    assert client.get(PAGE).status_code == 302
    assert page_of("reviewer").get(PAGE).status_code == 403

"""The page of thresholds: what is in force, and what others would do to a collection."""

from dataclasses import replace
from pathlib import Path

import pytest

from clustering.documents import Face, Verdict
from vision import CATALOGUE

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


def test_the_current_thresholds_and_their_settings_are_shown(body):
    assert "Current: faces of at least 30 px" in body()
    assert "MIN_FACE_SIZE" in body()


def test_others_are_tried_on_the_stored_faces(body):
    assert "<strong>2</strong> of 2 faces would be kept" in body(
        min_face_size=0, min_confidence=0, blur_threshold=0
    )
    strict = body(min_face_size=9999)
    assert "<strong>0</strong> of 2 faces" in strict
    assert "2 too small." in strict


@pytest.mark.parametrize("value", ["", "many", "nan", "-1", "inf"])
def test_what_is_no_threshold_is_said_beside_the_form(body, value):
    assert 'role="alert"' in body(422, min_face_size=value)


def test_what_was_chosen_and_typed_stays_beside_what_is_wrong(body, painted):
    page = " ".join(body(422, min_face_size="<b>many", min_confidence="0.7").split())

    assert f'<option value="{painted.name.path}" selected>' in page
    assert f"?collection={painted.name.path}&amp;min_face_size=20" in page
    assert "&lt;b&gt;many" in page
    assert 'value="0.7"' in page


def test_htmx_gets_the_form_and_its_result_alone(painted, page_of):
    painted.paint("a.png", 1)
    painted.run()

    answer = page_of("admin").get(
        PAGE,
        {"collection": painted.name.path, "blur_threshold": 9999},
        headers={"HX-Request": "true", "HX-Target": "thresholds"},
    )

    assert "<html" not in answer.content.decode()
    assert "1 too blurred." in answer.content.decode()
    assert "Would be excluded" in answer.content.decode()


def test_what_a_person_said_of_a_face_is_not_tried(body, painted):
    Face.objects(key=painted.key("a.png")).update(set__verdict=Verdict.IGNORED)

    assert "<strong>1</strong> of 1 faces" in body(
        min_face_size=0, min_confidence=0, blur_threshold=0
    )


def test_the_numbers_of_the_models_are_shown_beside(body, settings, model_files, tmp_path):
    settings.VISION = replace(settings.VISION, models=(), cache=tmp_path)
    assert "Cosine similarity" not in body()
    folders = tuple(map(Path, model_files.split(":")))
    settings.VISION = replace(
        settings.VISION, models=folders, detector="centerface", embedder="dlib-resnet"
    )

    assert "centerface and dlib-resnet" in body()
    assert str(CATALOGUE["dlib-resnet"].cluster_eps) in body()


def test_without_a_collection_it_says_so(stores, page_of):
    assert "No collection to try them on." in page_of("admin").get(PAGE).content.decode()


def test_an_unknown_collection_is_404(stores, page_of):
    answer = page_of("admin").get(PAGE, {"collection": "no/such"}, headers={"Accept": "text/html"})

    assert answer.status_code == 404


def test_others_are_refused_and_strangers_log_in(stores, page_of, client):
    assert client.get(PAGE).status_code == 302
    assert page_of("reviewer").get(PAGE).status_code == 403

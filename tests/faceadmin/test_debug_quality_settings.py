"""GET /debug-quality-settings: defaults, suggestions, and current values."""

from dataclasses import replace
from pathlib import Path

import pytest

from vision import CATALOGUE

PATH = "/debug-quality-settings"


@pytest.fixture
def with_models(settings, model_files):
    folders = tuple(map(Path, model_files.split(":")))
    settings.VISION = replace(
        settings.VISION, models=folders, detector="centerface", embedder="dlib-resnet"
    )


def test_it_has_the_fixed_names_and_numbers(admin, with_models):
    body = admin.get(PATH).json()

    assert body["default_min_face_size"] == 30
    assert body["default_min_confidence"] == 0.4
    assert body["default_blur_threshold"] == 50
    assert body["description"].keys() == {"min_face_size", "min_confidence", "blur_threshold"}
    assert [list(one.values()) for one in body["suggestions"].values()] == [
        [20, 0.3, 30],
        [30, 0.4, 50],
        [40, 0.5, 80],
        [60, 0.7, 120],
    ]


def test_current_models_and_the_reason_are_shown(admin, with_models):
    found = admin.get(PATH).json()["in_force"]

    entry = CATALOGUE["dlib-resnet"]
    assert (found["detector"], found["embedder"]) == ("centerface", "dlib-resnet")
    assert found["cluster_eps"] == entry.cluster_eps
    assert found["same_person_threshold"] == entry.same_person_threshold
    assert found["assignment_threshold"] == entry.assignment_threshold
    assert found["models_why"]


def test_missing_models_are_a_503_with_the_command_to_run(admin, settings, tmp_path):
    settings.VISION = replace(settings.VISION, models=(), cache=tmp_path, detector="yolov8n-face")

    answer = admin.get(PATH)

    assert answer.status_code == 503
    assert "manage.py models fetch" in answer.json()["detail"]


def test_a_reviewer_may_not_see_it(reviewer):
    assert reviewer.get(PATH).status_code == 403

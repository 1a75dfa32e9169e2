"""Labelled photos through the routes, read by real models."""

import dataclasses
from pathlib import Path

import pytest

from tests.labelled import FACES, labels_of, needs_labelled_photos

pytestmark = [pytest.mark.services, needs_labelled_photos]


@pytest.fixture
def real(people, settings, model_files, tmp_path, monkeypatch):
    from vision import get_engine

    settings.VISION = dataclasses.replace(
        settings.VISION,
        detector="centerface",
        embedder="dlib-resnet",
        models=tuple(Path(one) for one in model_files.split(":")),
        cache=tmp_path / "models",
        threads=2,
    )
    monkeypatch.setattr("profiles.enrolment.get_engine", get_engine)
    return people


def photos_by_person():
    found = {}
    for path, person in sorted(labels_of("lfw10").items()):
        found.setdefault(person.replace(" ", "_"), []).append((FACES / path).read_bytes())
    return found


def test_ten_people_are_enrolled_updated_and_told_apart(real, reviewer, admin, send):
    people = photos_by_person()
    for user_id, photos in people.items():
        while (
            send(reviewer, "post", "/detect-face", photos.pop(0), user_id=user_id).status_code
            == 422
        ):
            pass  # another person is in the picture

    own, others, found = [], [], []
    for user_id, stranger in zip(people, [*list(people)[1:], next(iter(people))], strict=True):
        for photo in people[user_id][:4]:
            others.append(send(reviewer, "put", f"/update-face/{stranger}", photo).status_code)
            new = send(reviewer, "post", "/detect-face", photo, user_id="somebody.new")
            found.append((new.status_code, new.json().get("user_id")) == (409, user_id))
            real.erase_if_there("somebody.new")
            own.append(send(reviewer, "put", f"/update-face/{user_id}", photo).status_code)

    alone = [index for index, status in enumerate(own) if status != 422]
    assert len(alone) >= 30
    assert sum(own[index] == 200 for index in alone) >= 0.9 * len(alone)
    assert sum(found[index] for index in alone) >= 0.9 * len(alone)
    assert sum(others[index] == 409 for index in alone) >= 0.95 * len(alone)
    body = admin.get("/debug-profiles").json()
    assert body["total_profiles"] == 10
    assert {row["embedding_size"] for row in body["profiles"]} == {128}
    assert {row["model"] for row in body["profiles"]} == {"centerface+dlib-resnet"}


def test_group_photos_and_photos_without_faces_are_refused(real, reviewer, send):
    group = sorted((FACES / "sitcom" / "group").iterdir())[0].read_bytes()

    answer = send(reviewer, "post", "/detect-face", group, user_id="ada")
    strict = send(
        reviewer,
        "post",
        "/detect-face",
        photos_by_person()["George_W_Bush"][0],
        user_id="ada",
        min_face_size="2000",
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "several_faces")
    assert (strict.status_code, strict.json()["code"]) == (422, "poor_face")
    height, width = strict.json()["debug_info"]["quality_metrics"]["face_size"]
    assert 40 < width <= 250
    assert 40 < height <= 250
    assert strict.json()["debug_info"]["detailed_checks"][0] == (
        f"Too small: {height}x{width} < 2000"
    )

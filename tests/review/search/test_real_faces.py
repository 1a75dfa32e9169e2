"""Labelled photos searched with real models."""

import dataclasses
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

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
    for place in ("review.services", "profiles.enrolment", "clustering.context"):
        monkeypatch.setattr(f"{place}.get_engine", get_engine)
    return people


@pytest.fixture
def enrol_photo(reviewer):
    def enrol_photo(user_id, photo):
        file = SimpleUploadedFile("photo.jpg", photo, "image/jpeg")
        form = {"user_id": user_id, "file": file}
        return reviewer.post("/detect-face", form, format="multipart").status_code

    return enrol_photo


def test_ten_people_are_found_in_other_photos_of_theirs(real, post, enrol_photo):
    photos = {}
    for path, person in sorted(labels_of("lfw10").items()):
        photos.setdefault(person.replace(" ", "_"), []).append((FACES / path).read_bytes())
    for user_id, of_person in photos.items():
        while enrol_photo(user_id, of_person.pop(0)) == 422:
            pass  # another person is in the photo

    found = []
    for user_id, of_person in photos.items():
        for photo in of_person[:4]:
            faces = post(photo).json()["faces"]
            seen = {one["profiles"][0]["user_id"] for one in faces if one["face"]["used"]}
            found.append(user_id in seen)

    assert len(found) >= 30
    assert sum(found) >= 0.9 * len(found)

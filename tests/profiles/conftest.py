"""People painted into profiles over the real stores."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from profiles import services
from profiles.context import profile_stores
from profiles.documents import ReferencePhoto
from profiles.photo_check import check_photo
from profiles.selectors import find_profile
from tests.profiles.painted import PeopleEngine, photo_of
from vision import QualityThresholds


class People:
    """Enrol painted people, and ask what is stored of them."""

    def __init__(self, folders):
        self.engine = PeopleEngine()
        self.stores = profile_stores()
        self.folders = folders

    def judged(self, *people, **kind):
        return check_photo(
            photo_of(*people, **kind), engine=self.engine, thresholds=QualityThresholds()
        )

    def enrol(self, user_id, person, *, name="", force=False, **kind):
        photo = self.judged(person, **kind)
        return services.enrol_profile(
            user_id, photo, name=name, force=force, stores=self.stores, by="test"
        )

    def update(self, user_id, person, *, mode="add", force=False, **kind):
        photo = self.judged(person, **kind)
        return services.update_profile(
            user_id, photo, mode=mode, force=force, stores=self.stores, by="test"
        )

    def erase_if_there(self, user_id):
        if find_profile(user_id) is not None:
            services.erase_profile(user_id, self.stores)

    def files(self):
        """Return the ids of all stored photos, and of all stored crops."""
        return tuple(
            {path.stem for path in folder.rglob("*") if path.is_file()} for folder in self.folders
        )

    def assert_only(self, *reference_ids):
        """Assert that documents and files match these reference photos."""
        stored = {one.id for one in ReferencePhoto.objects.only("id")}
        assert stored == set(reference_ids)
        assert self.files() == (stored, stored)


@pytest.fixture
def people(stores, settings, tmp_path, monkeypatch):
    folders: tuple[Path, Path] = (tmp_path / "references", tmp_path / "crops")
    references = {"BACKEND": "storage.pictures.PictureFolder", "OPTIONS": {"location": folders[0]}}
    settings.STORAGES = {**settings.STORAGES, "references": references}
    people = People(folders)
    monkeypatch.setattr("profiles.enrolment.get_engine", lambda _: people.engine)
    return people


@pytest.fixture
def send():
    """Send a form with a photo."""

    def send(client, method, address, photo=None, **fields):
        if photo is not None:
            fields["file"] = SimpleUploadedFile("photo.png", photo, "image/png")
        return getattr(client, method)(address, fields, format="multipart")

    return send

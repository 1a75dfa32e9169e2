"""Neither work accepted before an erasure nor a restored backup brings the person back."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import mongoengine
import pytest
from axes.models import AccessAttempt
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import MessageEncoder
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from faceadmin.runtime import bootstrap
from profiles.documents import Profile, ReferencePhoto
from profiles.errors import NoSuchProfile
from profiles.imports import run_import
from profiles.imports.context import build_import_context
from profiles.imports.documents import Import, ImportedFile
from profiles.imports.run_import import cancel_import, import_step
from profiles.selectors import find_profile
from profiles.services import erase_profile
from profiles.tombstones import Tombstone, start_tombstone
from review.people.replay_erasures import replay_log
from review.tasks import erasures_sweep
from storage.mongo import vacuum_embedded_store
from storage.pictures import PictureStore
from tests.profiles.imports.import_kit import (
    folder_started,
    report,
    to_its_end,
    zip_of,
    zip_started,
)
from tests.profiles.painted import photo_of
from web.models import IdempotentRequest

pytestmark = pytest.mark.services

ID = "ada.of.the-test"
ADDRESS = f"/debug-profile/{ID}"


@pytest.fixture(autouse=True)
def erasing(people, monkeypatch, settings):
    """Imports read painted photos, one file per step; erasures do not wait for imports."""
    monkeypatch.setattr("profiles.imports.context.get_engine", lambda _: people.engine)
    monkeypatch.setattr(run_import, "STEP_SECONDS", 0.0)
    settings.ERASURE_WAIT_SECONDS = 0


def photos_of(user_id, count=5, *, person=1, first=0):
    shades = range(first, first + count)
    return {f"{user_id}/{n}.png": photo_of(person, shade=n) for n in shades}


def post(client, address, photo, **fields):
    file = SimpleUploadedFile("photo.png", photo, "image/png")
    return client.post(address, {"file": file, **fields}, format="multipart")


def stored():
    """Return all documents that contain the id, by collection."""
    database = mongoengine.connection.get_db()
    return [
        name
        for name in database.list_collection_names()
        for document in database[name].find({})
        if ID in repr(document)
    ]


def hook_once(engine, action):
    """Call a function before the engine reads the next photo."""
    done = []

    def before(*_):
        if not done:
            done.append(True)
            action()

    engine.before_faces = before


def test_person_erased_during_an_import_stays_erased(people, admin):
    people.enrol(ID, 1)
    job = zip_started({**photos_of(ID), **photos_of("zoe", person=2)})
    receipts = []
    hook_once(people.engine, lambda: receipts.append(admin.delete(ADDRESS).json()))

    ended = to_its_end(job)

    assert receipts[0]["complete"] is False
    assert [one["import_id"] for one in receipts[0]["pending"]] == [job.id]
    assert ended.state.value == "finished"
    assert find_profile(ID) is None
    assert {one.user_id for one in ReferencePhoto.objects} == {"zoe"}
    assert len(find_profile("zoe").references) == 5
    outcomes = {outcome for path, (outcome, _) in report(job).items() if path.startswith(ID)}
    assert outcomes == {"refused"}
    assert admin.delete(ADDRESS).json()["complete"] is True
    assert stored() == []
    assert not [one for folder in people.folders for one in folder.rglob("*.zip")]


def test_import_accepted_before_an_erasure_adds_no_photos(people, admin, settings):
    path = settings.BUCKETS_ROOT / "staff" / "people"
    for name, content in photos_of("zoe", person=2).items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    people.enrol(ID, 1)
    job = folder_started("staff/people")
    assert admin.delete(ADDRESS).json()["complete"] is True
    (path / ID).mkdir()
    (path / ID / "late.png").write_bytes(photo_of(1))

    to_its_end(job)

    assert find_profile(ID) is None
    assert report(job)[f"{ID}/late.png"] == ("refused", "person_erased")
    assert len(find_profile("zoe").references) == 5


def test_erasure_waits_until_an_import_is_past_the_person(people, admin, settings):
    for name, content in {**photos_of(ID), **photos_of("zoe", 2, person=2)}.items():
        file = settings.BUCKETS_ROOT / "staff" / "people" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    people.enrol(ID, 1)
    job = folder_started("staff/people")
    assert admin.delete(ADDRESS).json()["pending"][0]["kind"] == "import"
    for _ in range(6):
        import_step(job.id, build_import_context)

    passed = admin.delete(ADDRESS).json()

    assert Import.objects(id=job.id).first().is_active
    assert passed["complete"] is True
    assert stored() == []


def test_person_can_be_enrolled_again_after_the_erasure_is_complete(people, admin):
    people.enrol(ID, 1)
    job = zip_started(photos_of(ID))
    admin.delete(ADDRESS)

    during = post(admin, "/detect-face", photo_of(1), user_id=ID)
    cancel_import(job)
    to_its_end(job)
    complete = admin.delete(ADDRESS).json()["complete"]
    after = post(admin, "/detect-face", photo_of(1), user_id=ID)
    later = to_its_end(zip_started(photos_of(ID, first=10)))

    assert (during.status_code, during.json()["code"]) == (409, "profile_erasing")
    assert complete is True
    assert after.status_code == 201
    assert later.counts == {"added": 5}


def test_request_in_progress_does_not_enrol_an_erased_person(people, admin):
    people.enrol(ID, 1)
    hook_once(people.engine, lambda: admin.delete(ADDRESS))

    answer = post(admin, "/detect-face", photo_of(1), user_id=ID)

    assert (answer.status_code, answer.json()["code"]) == (409, "person_erased")
    people.assert_only()


def test_enrolment_in_progress_is_reverted(people, admin, monkeypatch):
    people.enrol(ID, 1)
    save, erased = PictureStore.save, []

    def erase_first(self, *arguments):
        if not erased:
            erased.append(True)
            Profile.objects(user_id=ID).delete()
            assert admin.delete(ADDRESS).status_code == 200
        save(self, *arguments)

    monkeypatch.setattr(PictureStore, "save", erase_first)
    Profile.objects(user_id=ID).delete()

    answer = post(admin, "/detect-face", photo_of(1, shade=5), user_id=ID)

    assert (answer.status_code, answer.json()["code"]) == (409, "person_erased")
    people.assert_only()


def test_photo_addition_in_progress_is_reverted(people, admin, monkeypatch):
    people.enrol(ID, 1)
    save, erased = PictureStore.save, []

    def erase_first(self, *arguments):
        if not erased:
            erased.append(True)
            assert admin.delete(ADDRESS).status_code == 200
        save(self, *arguments)

    monkeypatch.setattr(PictureStore, "save", erase_first)

    with pytest.raises(NoSuchProfile):
        people.update(ID, 1, shade=5)

    people.assert_only()


def test_search_in_progress_does_not_return_an_erased_person(people, admin):
    people.enrol(ID, 1)
    hook_once(people.engine, lambda: admin.delete(ADDRESS))

    answer = post(admin, "/api/v1/search/", photo_of(1))

    assert answer.status_code == 200
    assert ID not in answer.content.decode()


def backup():
    """Return all documents of the store."""
    database = mongoengine.connection.get_db()
    return {name: list(database[name].find({})) for name in database.list_collection_names()}


def restore(documents):
    """Restore a backup of the store."""
    database = mongoengine.connection.get_db()
    for name in database.list_collection_names():
        database[name].delete_many({})
    for name, found in documents.items():
        if found:
            database[name].insert_many(found)


def test_a_restored_backup_does_not_bring_an_erased_person_back(people, admin):
    people.enrol(ID, 1, name="Ada of the Test")
    people.enrol("zoe", 2)
    before = backup()
    admin.delete(ADDRESS)
    restore(before)
    assert find_profile(ID) is not None

    erasures_sweep()

    assert find_profile(ID) is None
    assert stored() == []
    assert find_profile("zoe") is not None


def test_a_restored_backup_keeps_a_person_who_was_enrolled_again(people, admin):
    people.enrol(ID, 1)
    admin.delete(ADDRESS)
    people.enrol(ID, 1)
    restore(backup())

    erasures_sweep()

    assert find_profile(ID) is not None


def test_restored_import_adds_no_photos_of_an_erased_person(people, admin):
    people.enrol(ID, 1)
    job = zip_started({**photos_of(ID), **photos_of("zoe", person=2)})
    before = backup()
    admin.delete(ADDRESS)
    restore(before)

    erasures_sweep()
    to_its_end(job)

    assert find_profile(ID) is None
    assert find_profile("zoe") is not None


def test_profile_written_after_the_erasure_by_a_killed_process_is_removed(people, admin):
    people.enrol(ID, 1)
    written = backup()
    admin.delete(ADDRESS)
    database = mongoengine.connection.get_db()
    for name in ("profiles", "reference_photos"):
        database[name].insert_many(written[name])

    erasures_sweep()

    assert find_profile(ID) is None
    assert ReferencePhoto.objects.count() == 0


def test_sweep_finishes_an_erasure_that_waited_for_an_import(people, admin):
    people.enrol(ID, 1)
    job = zip_started(photos_of(ID))
    admin.delete(ADDRESS)
    to_its_end(job)
    long_ago = timezone.now() - timedelta(minutes=10)
    mongoengine.connection.get_db()["tombstones"].update_many(
        {}, {"$set": {"started_at": long_ago.isoformat(timespec="milliseconds")}}
    )

    erasures_sweep()

    assert stored() == []
    assert admin.delete(ADDRESS).status_code == 404


def test_nothing_is_erased_while_the_erasure_log_cannot_be_written(people, admin, settings):
    people.enrol(ID, 1)
    settings.ERASURE_LOG.mkdir()

    answer = admin.delete(ADDRESS)

    assert (answer.status_code, answer.json()["code"]) == (503, "erasure_log_unavailable")
    assert find_profile(ID).state.value == "active"


def test_erasure_log_contains_no_user_id(people, admin, settings):
    people.enrol(ID, 1)
    admin.delete(ADDRESS)

    [line] = settings.ERASURE_LOG.read_text().splitlines()
    assert json.loads(line).keys() == {"person", "seq", "at", "key"}
    assert ID not in line
    assert settings.ERASURE_LOG.stat().st_mode & 0o077 == 0


def test_new_erasure_log_is_synced_with_its_folder(people, admin, settings, monkeypatch):
    people.enrol(ID, 1)
    synced = set()
    fsync = os.fsync

    def record(handle):
        synced.add(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", record)

    admin.delete(ADDRESS)

    assert {str(settings.ERASURE_LOG), str(settings.ERASURE_LOG.parent)} <= synced


def test_truncated_log_line_does_not_affect_other_lines(people, admin, settings):
    people.enrol(ID, 1)
    people.enrol("zoe", 2)
    before = backup()
    settings.ERASURE_LOG.write_text('{"person": "cut sh')
    admin.delete(ADDRESS)
    admin.delete("/debug-profile/zoe")
    restore(before)

    erasures_sweep()

    assert Profile.objects.count() == 0


def test_file_names_in_imports_are_erased(people, admin):
    files = {f"{ID}/1.png": photo_of(1), f"zoe/with {ID}.png": photo_of(2)}
    job = zip_started(files)
    Import.objects(id=job.id).update_one(set__source=f"{ID}.zip")
    to_its_end(job)

    body = admin.delete(ADDRESS).json()

    assert body["complete"] is True
    assert body["removed"]["mongodb"]["import_lines"] == 3
    assert stored() == []
    [line] = ImportedFile.objects
    assert (line.user_id, line.outcome.value) == ("zoe", "enrolled")
    listed = admin.get(f"/api/v1/profiles/imports/{job.id}/files/").json()["files"]
    assert [one["user_id"] for one in listed] == ["zoe"]


def test_stored_answer_about_the_persons_zip_is_erased(people, admin, monkeypatch):
    monkeypatch.setattr("profiles.imports.services.enqueue_import", lambda _: None)
    people.enrol(ID, 1)
    key = admin._credentials["HTTP_AUTHORIZATION"]
    admin.credentials(HTTP_AUTHORIZATION=key, HTTP_IDEMPOTENCY_KEY=f"import-{ID}")
    form = {"file": SimpleUploadedFile(f"{ID}.zip", zip_of(photos_of("zoe", 1, person=2)))}
    started = admin.post("/api/v1/profiles/import/", form, format="multipart")
    admin.credentials(HTTP_AUTHORIZATION=key)
    to_its_end(Import.objects(id=started.json()["import_id"]).first())

    body = admin.delete(ADDRESS).json()

    assert (started.status_code, body["complete"]) == (202, True)
    assert body["removed"]["login_database"]["kept_answers"] == 1
    assert ID not in repr(list(IdempotentRequest.objects.values()))
    assert stored() == []


def test_undelivered_messages_and_recorded_logins_are_erased(people, admin, page_of, client):
    people.enrol(ID, 1, name="Ada of the Test")
    page_of("viewer")
    session = client.session
    texts = [f"{ID} is known from now on.", "Ada of the Test has 2 photos.", "Undone."]
    waiting = [Message(constants.SUCCESS, text) for text in texts]
    session["_messages"] = json.dumps(waiting, cls=MessageEncoder)
    session["kept"] = "this"
    session.save()
    AccessAttempt.objects.create(
        username="eve",
        get_data=f"next=/profiles/{ID}/",
        failures_since_start=3,
        path_info="/login/",
    )

    body = admin.delete(ADDRESS).json()

    assert body["complete"] is True
    assert body["removed"]["login_database"] == {
        "kept_answers": 0,
        "messages": 1,
        "login_attempts": 1,
        "failed_tasks": 0,
    }
    left = Session.objects.get(session_key=session.session_key).get_decoded()
    assert "Undone." in left["_messages"]
    assert left["kept"] == "this"
    assert ID not in left["_messages"]
    assert "Ada of" not in left["_messages"]
    assert AccessAttempt.objects.get().failures_since_start == 3
    assert AccessAttempt.objects.get().get_data == ""


def test_log_files_are_masked(people, admin, settings, tmp_path):
    settings.DATA = tmp_path
    people.enrol(ID, 1)
    log = settings.DATA / "logs" / "web.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(f"ERROR /profiles/{ID}/ failed\nERROR /profiles/{ID}2/ failed\n")
    size = log.stat().st_size

    body = admin.delete(ADDRESS).json()

    assert (body["complete"], body["removed"]["files"]["log_files"]) == (True, 1)
    assert f"/{ID}/" not in log.read_text()
    assert f"/{ID}2/" in log.read_text()
    assert log.stat().st_size == size


def test_erasure_is_incomplete_while_requests_are_in_progress(people, admin):
    people.enrol(ID, 1)
    row = {"caller": "1", "key": "k", "fingerprint": "f", "path": "/detect-face"}
    begun = IdempotentRequest.objects.create(**row, created_at=timezone.now())

    first = admin.delete(ADDRESS).json()
    begun.delete()
    second = admin.delete(ADDRESS).json()

    assert (first["complete"], [one["kind"] for one in first["pending"]]) == (False, ["request"])
    assert second["complete"] is True


def test_erasure_waits_for_requests_that_began_before_the_person_was_hidden(
    people, admin, monkeypatch
):
    people.enrol(ID, 1)
    row = {"caller": "1", "key": "k", "fingerprint": "f", "path": "/detect-face"}

    def start_late(user_id, **options):
        IdempotentRequest.objects.create(**row, created_at=timezone.now())
        return start_tombstone(user_id, **options)

    monkeypatch.setattr("review.people.erase.start_tombstone", start_late)

    body = admin.delete(ADDRESS).json()

    assert (body["complete"], [one["kind"] for one in body["pending"]]) == (False, ["request"])


def test_replay_keeps_the_name_of_an_erasure_in_progress(people, admin, settings):
    """The profile is gone by then, so only the tombstone has the name."""
    people.enrol(ID, 1, name="Ada Byron")
    row = {"caller": "1", "key": "k", "fingerprint": "f", "path": "/detect-face"}
    begun = IdempotentRequest.objects.create(**row, created_at=timezone.now())
    assert admin.delete(ADDRESS).json()["complete"] is False
    assert find_profile(ID) is None
    line = {"sort_key": "x\t1", "outcome_sort_key": "x\tadded\t1", "path": f"{ID}/1.png"}
    ImportedFile(id="late", user_id=ID, user_sort_key=f"{ID}\tlate", outcome="added", **line).save()

    replay_log()

    log = settings.DATA / "logs" / "web.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("ERROR Ada Byron\n")
    begun.delete()
    Tombstone.objects().update(set__started_at=timezone.now() - timedelta(hours=1))
    erasures_sweep()
    assert Tombstone.objects().scalar("state").first().value == "erased"
    assert "Byron" not in log.read_text()


def test_erasure_is_incomplete_until_the_files_are_cleaned(people, admin, monkeypatch):
    monkeypatch.setattr("storage.sqlite.BUSY_S", 0.1)
    people.enrol(ID, 1)
    file = vacuum_embedded_store()
    if file is None:
        pytest.skip("a MongoDB server keeps no file of ours")
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT name FROM sqlite_master").fetchall()
        first = admin.delete(ADDRESS).json()

    erasures_sweep()

    assert (first["complete"], [one["kind"] for one in first["pending"]]) == (False, ["file"])
    assert admin.delete(ADDRESS).status_code == 404
    database = mongoengine.connection.get_db()
    assert [one["state"] for one in database["tombstones"].find({})] == ["erased"]


def test_a_sweep_cleans_the_files_once_for_all_erasures(people, admin, monkeypatch):
    cleaned = []

    def clean():
        cleaned.append(len(cleaned))
        return ["documents"] if len(cleaned) < 3 else []

    monkeypatch.setattr("review.people.erase.flush_files", clean)
    for number, user_id in enumerate(("ada", "bob"), start=1):
        people.enrol(user_id, number)
        assert admin.delete(f"/debug-profile/{user_id}").json()["complete"] is False

    erasures_sweep()

    assert len(cleaned) == 3  # one for each request, one for the sweep
    database = mongoengine.connection.get_db()
    assert [one["state"] for one in database["tombstones"].find({})] == ["erased", "erased"]


def test_a_failing_erasure_does_not_block_the_others(people, admin, monkeypatch):
    for number, user_id in enumerate(("ada", "bob"), start=1):
        people.enrol(user_id, number)
    documents = backup()
    for user_id in ("ada", "bob"):
        assert admin.delete(f"/debug-profile/{user_id}").json()["complete"] is True
    restore(documents)

    def fail_for_ada(user_id, stores):
        if user_id == "ada":
            raise RuntimeError("damaged")
        return erase_profile(user_id, stores)

    with monkeypatch.context() as patched:
        patched.setattr("review.people.erase.erase_profile", fail_for_ada)
        erasures_sweep()

    assert [one.user_id for one in Profile.objects] == ["ada"]
    erasures_sweep()
    assert [one.user_id for one in Profile.objects] == []


def test_the_start_does_not_depend_on_the_replay_of_erasures(monkeypatch):
    def fail():
        raise RuntimeError("damaged")

    monkeypatch.setattr("review.people.replay_erasures.sweep_erasures", fail)
    monkeypatch.setattr(bootstrap.connections, "close_all", lambda: None)  # the test's own

    bootstrap.replay_erasures()  # raised before

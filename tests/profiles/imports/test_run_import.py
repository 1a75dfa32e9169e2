"""Imports of people: the outcome of every file, also after interruptions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from profiles.documents import Profile, ReferencePhoto
from profiles.errors import NoSuchProfile
from profiles.imports import run_import, tasks
from profiles.imports.context import ZIP_GROWS, build_import_context, import_limits
from profiles.imports.documents import Import, ImportedFile, ImportKind, ImportState
from profiles.imports.erasing import count_import_traces, forget_import_traces
from profiles.imports.run_import import (
    IMPORTS,
    ImportEnded,
    cancel_import,
    import_step,
    start_import,
)
from profiles.imports.selectors import get_import
from profiles.selectors import get_profile
from storage.buckets import LocalBucket
from storage.errors import StoreUnavailable
from storage.jobs import end_job
from storage.leases import Lease, take_lease
from tests.profiles.imports.import_kit import (
    EXPECTED,
    family,
    folder_started,
    report,
    to_its_end,
    zip_started,
)
from tests.profiles.painted import photo_of
from vision import ModelMissing

pytestmark = pytest.mark.services


@pytest.fixture
def importer(people, monkeypatch):
    monkeypatch.setattr("profiles.imports.context.get_engine", lambda _: people.engine)
    return people


@pytest.fixture
def one_at_a_time(monkeypatch):
    """Let every step import one file."""
    monkeypatch.setattr(run_import, "STEP_SECONDS", 0.0)


@pytest.fixture
def bucket(settings):
    def fill(files):
        for name, content in files.items():
            path = settings.BUCKETS_ROOT / "staff" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return fill


def zips(people):
    return list((people.folders[0] / "imports").glob("*"))


def references_of(user_id):
    return len(get_profile(user_id).references)


@pytest.mark.parametrize("top", ["", "people/"])
def test_a_zip_is_imported_with_a_line_for_every_file(importer, top):
    job = to_its_end(zip_started(family(top)))

    assert report(job, top) == EXPECTED
    assert (job.state, job.active, job.total, job.next) == (ImportState.FINISHED, "", 10, "")
    assert job.counts == {"enrolled": 2, "added": 1, "known_already": 1, "refused": 6}
    assert sum(job.codes.values()) == 6
    assert (references_of("ada"), references_of("bob")) == (2, 1)
    assert get_profile("ada").created_by == "test"
    assert zips(importer) == []


@pytest.mark.parametrize("top", ["", "people/"])
def test_a_folder_is_imported_like_a_zip(importer, bucket, top):
    bucket({f"sub/{name}": content for name, content in family(top).items()})

    job = to_its_end(folder_started("staff/sub"))

    assert report(job, top) == EXPECTED
    assert job.state == ImportState.FINISHED


def test_what_systems_leave_beside_photos_is_not_imported(importer, bucket, settings):
    settings.IGNORED_PATHS = ("*.lrdata",)
    files = {"ada/1.png": photo_of(1)}
    for folder in ("@eaDir", "ada/@eaDir", "#recycle", "__MACOSX/ada", "ada/Index.lrdata"):
        files[f"{folder}/2.png"] = photo_of(9)
    bucket({f"sub/{name}": content for name, content in files.items()})

    for job in (zip_started(files), folder_started("staff/sub")):
        assert list(report(to_its_end(job))) == ["ada/1.png"]


def test_a_repetition_changes_nothing(importer):
    to_its_end(zip_started(family()))
    before = {one.user_id: one.version for one in Profile.objects}
    decoded = importer.engine.decoded

    job = to_its_end(zip_started({"ada/1.png": photo_of(1), "bob/x.png": photo_of(2)}))

    assert job.counts == {"known_already": 2}
    assert {one.user_id: one.version for one in Profile.objects} == before
    assert importer.engine.decoded == decoded


def test_force_enrols_faces_that_look_like_another_person(importer):
    job = to_its_end(zip_started(family(), force=True))

    assert report(job)["eve/1.png"] == ("enrolled", "")
    assert report(job)["ada/other.png"] == ("added", "")


def test_files_in_other_places_are_refused_one_by_one(importer):
    files = {
        "ada/1.png": photo_of(1),
        "loose.png": photo_of(2),
        "ada/deep/2.png": photo_of(1, shade=1),
        "../bob/1.png": photo_of(2),
        "import/1.png": photo_of(3),
    }

    job = to_its_end(zip_started(files))

    assert report(job) == {
        "ada/1.png": ("enrolled", ""),
        "loose.png": ("refused", "wrong_place"),
        "ada/deep/2.png": ("refused", "wrong_place"),
        "../bob/1.png": ("refused", "unsafe_name"),
        "import/1.png": ("refused", "bad_user_id"),
    }


def test_a_photo_that_is_too_large_is_a_line(importer, settings):
    settings.UPLOAD_MAX_BYTES = 1000

    job = to_its_end(zip_started({"ada/1.png": b"\0" * 1001, "bob/1.png": photo_of(2)}))

    assert report(job)["ada/1.png"] == ("refused", "too_many_bytes")
    assert report(job)["bob/1.png"] == ("enrolled", "")


def test_a_zip_that_grows_too_much_stops_the_import(importer, settings):
    settings.IMPORT_MAX_BYTES = len(photo_of(1)) * 3 // (2 * ZIP_GROWS)
    limits = import_limits()
    assert len(photo_of(1)) < limits.zip_bytes < 2 * len(photo_of(1, shade=1))

    job = to_its_end(zip_started({"ada/1.png": photo_of(1), "ada/2.png": photo_of(1, shade=1)}))

    assert (job.state, job.failure_code) == (ImportState.FAILED, "too_many_bytes")
    assert report(job) == {"ada/1.png": ("enrolled", "")}
    assert zips(importer) == []


def test_an_import_goes_on_where_the_step_before_ended(importer, one_at_a_time):
    job = zip_started(family())
    steps = 1
    while import_step(job.id, build_import_context):
        steps += 1
        assert sum(get_import(job.id).counts.values()) == steps - 1

    assert steps == 10
    assert report(job) == EXPECTED
    assert get_import(job.id).state == ImportState.FINISHED


def test_a_lease_lost_between_photo_and_line_leaves_no_duplicate(importer, monkeypatch):
    job = zip_started(family())
    with monkeypatch.context() as killed:
        killed.setattr(ImportedFile, "save", _dies)
        with pytest.raises(KeyboardInterrupt):
            import_step(job.id, build_import_context)
    assert references_of("ada") == 1

    job = to_its_end(job)

    assert report(job)["ada/1.png"] == ("known_already", "")
    assert (references_of("ada"), references_of("bob")) == (2, 1)
    importer.assert_only(*[one.id for one in ReferencePhoto.objects])


def _dies(_line):
    raise KeyboardInterrupt


def test_a_lease_lost_between_line_and_count_counts_once(importer, monkeypatch):
    job = zip_started(family())
    real = run_import._checkpoint
    taken_over = []

    def lose(*args, **named):
        if len(taken_over) == 0:
            taken_over.append(take_lease(get_import(job.id)))
        real(*args, **named)

    monkeypatch.setattr(run_import, "_checkpoint", lose)
    assert import_step(job.id, build_import_context) is False
    assert get_import(job.id).counts == {}
    assert get_import(job.id).lease_owner == taken_over[0].lease_owner
    Import.objects(id=job.id).update_one(set__lease_until=0)

    job = to_its_end(job)

    assert report(job) == EXPECTED
    assert job.counts == {"enrolled": 2, "added": 1, "known_already": 1, "refused": 6}
    assert references_of("ada") == 2


def test_a_worker_without_the_lease_does_not_end_an_import_or_remove_its_zip(importer):
    slow = take_lease(zip_started(family()))
    Import.objects(id=slow.id).update_one(set__lease_until=0)
    taken_over = take_lease(get_import(slow.id))

    assert not end_job(Lease(slow), ImportState.FAILED, kind=IMPORTS, code="x", reason="y")

    assert get_import(slow.id).state == ImportState.QUEUED
    assert len(zips(importer)) == 1
    assert end_job(Lease(taken_over), ImportState.FINISHED, kind=IMPORTS)
    assert zips(importer) == []


def without_models():
    raise ModelMissing("There are no models.")


def test_an_import_without_models_fails_with_the_reason(importer, monkeypatch):
    job = zip_started(family())
    monkeypatch.setattr(tasks, "build_import_context", without_models)

    assert tasks.import_task(job.id) == "nothing"

    failed = get_import(job.id)
    assert (failed.state, failed.failure) == (ImportState.FAILED, "There are no models.")
    assert zips(importer) == []


def test_a_worker_without_models_does_not_end_the_import_of_another(importer, monkeypatch):
    owner = take_lease(zip_started(family()))
    monkeypatch.setattr(tasks, "build_import_context", without_models)

    assert tasks.import_task(owner.id) == "nothing"

    kept = get_import(owner.id)
    assert (kept.is_active, kept.lease_owner) == (True, owner.lease_owner)
    assert len(zips(importer)) == 1


def test_a_leased_import_is_not_taken_by_another_worker(importer):
    job = zip_started(family())
    take_lease(get_import(job.id))

    assert import_step(job.id, build_import_context) is False
    assert report(job) == {}


def test_an_import_that_is_cancelled_keeps_what_is_done(importer, one_at_a_time):
    job = zip_started(family())
    import_step(job.id, build_import_context)

    cancel_import(job)
    job = to_its_end(job)

    assert job.state == ImportState.CANCELLED
    assert sum(job.counts.values()) == 1
    assert references_of("ada") == 1
    assert zips(importer) == []
    assert cancel_import(job).state == ImportState.CANCELLED


def test_an_import_that_has_ended_cannot_be_cancelled(importer):
    job = to_its_end(zip_started(family()))

    with pytest.raises(ImportEnded):
        cancel_import(job)


def test_a_store_that_is_away_is_waited_for(importer, bucket):
    bucket({"sub/ada/1.png": photo_of(1)})
    job = folder_started("staff/sub")

    def away(_name):
        raise StoreUnavailable("There is no answer from the bucket store.", store="bucket")

    assert import_step(job.id, lambda: build_import_context(away)) is False
    waiting = get_import(job.id)
    assert (waiting.state, waiting.lease_owner) == (ImportState.WORKING, "")
    assert "no answer" in waiting.waiting_for

    job = to_its_end(job)

    assert (job.state, job.waiting_for) == (ImportState.FINISHED, "")


@pytest.mark.parametrize("is_every_file", [False, True])
def test_a_file_that_always_fails_is_refused_if_the_bucket_delivers_others(
    importer, faulty_s3, is_every_file
):
    for number in range(3):
        faulty_s3.put("staff", f"sub/ada/{number}.png", photo_of(1, shade=number))
    failing = ["sub/ada/0.png"] if not is_every_file else sorted(faulty_s3.buckets["staff"])
    faulty_s3.truncated.update(dict.fromkeys(failing, 10))

    job = to_its_end(folder_started("staff/sub"))

    if is_every_file:
        assert (job.state, report(job)) == (ImportState.WORKING, {})
        assert "breaks off" in job.waiting_for
    else:
        assert job.state == ImportState.FINISHED
        assert report(job)["ada/0.png"] == ("refused", "unreadable_object")
        assert references_of("ada") == 2


def test_a_bucket_that_is_gone_ends_the_import(importer):
    job = to_its_end(folder_started("nowhere/sub"))

    assert (job.state, job.failure_code) == (ImportState.FAILED, "no_such_bucket")


@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_that_is_moved_in_mid_import_is_waited_for(
    importer, bucket, one_at_a_time, settings, depth
):
    bucket({f"sub/{name}": content for name, content in family().items()})
    job = folder_started("staff/sub")
    for _ in range(3):
        assert import_step(job.id, build_import_context) is True
    there = settings.BUCKETS_ROOT / ("staff", "staff/sub")[depth]
    elsewhere = there.rename(there.with_name("elsewhere"))

    waiting = to_its_end(job)

    assert (waiting.state, sum(waiting.counts.values())) == (ImportState.WORKING, 3)
    assert waiting.waiting_for
    elsewhere.rename(there)
    assert to_its_end(job).state == ImportState.FINISHED
    assert report(job) == EXPECTED


@pytest.mark.parametrize("depth", [0, 1])
def test_files_are_not_refused_because_their_folder_is_away(importer, bucket, settings, depth):
    bucket({f"sub/{name}": content for name, content in family().items()})
    job = folder_started("staff/sub")
    there = settings.BUCKETS_ROOT / ("staff", "staff/sub")[depth]
    elsewhere = there.with_name("elsewhere")

    class Moving(LocalBucket):
        """A bucket whose folder moves between the listing and the first file."""

        def read(self, key, *, max_bytes):
            there.rename(elsewhere)
            return super().read(key, max_bytes=max_bytes)

    moving = build_import_context(lambda name: Moving(settings.BUCKETS_ROOT, name))
    import_step(job.id, lambda: moving)

    waiting = get_import(job.id)
    assert (waiting.state, waiting.counts) == (ImportState.WORKING, {})
    assert waiting.waiting_for
    elsewhere.rename(there)
    assert to_its_end(job).state == ImportState.FINISHED
    assert report(job) == EXPECTED


def test_a_zip_that_is_gone_ends_the_import(importer):
    job = zip_started(family())
    zips(importer)[0].unlink()

    job = to_its_end(job)

    assert (job.state, job.failure_code) == (ImportState.FAILED, "zip_gone")


def test_an_unexpected_error_ends_the_import_and_is_logged(importer, caplog):
    def fail():
        raise RuntimeError("the model broke")

    importer.engine.before_faces = fail

    job = to_its_end(zip_started(family()))

    assert (job.state, job.failure_code) == (ImportState.FAILED, "internal_error")
    assert "the model broke" in caplog.text
    assert zips(importer) == []


def test_erasing_a_person_removes_their_lines_and_their_name_from_others(importer):
    job = to_its_end(zip_started(family()))
    assert count_import_traces("ada") == 7

    assert forget_import_traces("ada") == 7

    assert count_import_traces("ada") == 0
    assert set(report(job)) == {"bob/1.png", "bob/both.png", "eve/1.png", "what is this/1.png"}
    assert not [one for one in ImportedFile.objects if "ada" in one.to_json()]
    assert count_import_traces("bob") == 2
    assert forget_import_traces("ada") == 0


def test_lines_of_a_person_whose_id_begins_alike_stay(importer):
    to_its_end(zip_started({"ada/1.png": photo_of(1), "ada2/1.png": photo_of(2)}))

    assert forget_import_traces("ada") == 1
    assert count_import_traces("ada2") == 1


@pytest.fixture
def enqueued(monkeypatch):
    """Return the tasks that are enqueued: (import, round)."""
    queue = []
    monkeypatch.setattr(tasks, "async_task", lambda _path, *args, **_: queue.append(args))
    return queue


def test_a_task_takes_a_step_and_enqueues_the_next(importer, one_at_a_time, enqueued):
    job = zip_started(family())

    assert tasks.import_task(job.id) == "again"
    assert enqueued == [(job.id, 0)]
    to_its_end(job)
    assert tasks.import_task(job.id) == "nothing"
    assert tasks.import_task("gone") == "gone"


def test_the_sweep_takes_up_what_was_left_behind(importer, enqueued):
    job, ended = zip_started(family()), to_its_end(zip_started({"eve/1.png": photo_of(7)}))
    assert ended.state == ImportState.FINISHED

    assert tasks.imports_sweep() == 0
    assert tasks.imports_sweep(everything=True) == 1
    Import.objects.update(set__heartbeat=timezone.now() - timedelta(minutes=1))
    assert tasks.imports_sweep() == 1
    take_lease(get_import(job.id))
    assert tasks.imports_sweep() == 0
    assert enqueued == [(job.id, 1), (job.id, 2)]
    Import.objects.update(set__lease_until=0)
    assert tasks.import_task(job.id, 1) == "outdated"
    assert tasks.import_task(job.id, 2) == "nothing"
    assert get_import(job.id).state == ImportState.FINISHED


def test_the_sweep_enqueues_the_import_first_that_waited_longest(importer, enqueued):
    jobs = [zip_started(family()) for _ in range(3)]
    for job, minutes in zip(jobs, (2, 9, 4), strict=True):
        heartbeat = timezone.now() - timedelta(minutes=minutes)
        Import.objects(id=job.id).update_one(set__heartbeat=heartbeat)

    assert tasks.imports_sweep() == 3

    assert [import_id for import_id, _ in enqueued] == [jobs[1].id, jobs[2].id, jobs[0].id]


def test_the_sweep_ends_an_import_whose_command_died(importer, enqueued):
    job = start_import(ImportKind.PATH, "people", by="test", limits=import_limits())

    tasks.imports_sweep(everything=True)
    assert get_import(job.id).is_active
    Import.objects.update(set__heartbeat=timezone.now() - timedelta(minutes=1))
    tasks.imports_sweep()

    assert get_import(job.id).failure_code == "interrupted"
    assert enqueued == []


def test_a_person_who_is_being_erased_gets_no_photo(importer):
    importer.enrol("ada", 1)
    Profile.objects(user_id="ada").update_one(set__state="erasing")

    job = to_its_end(zip_started({"ada/1.png": photo_of(1), "ada/2.png": photo_of(1, shade=2)}))

    assert set(report(job).values()) == {("refused", "profile_erasing")}
    with pytest.raises(NoSuchProfile):
        get_profile("ada")


def test_a_zip_of_nothing_finishes(importer):
    job = to_its_end(zip_started({}))

    assert (job.state, job.counts) == (ImportState.FINISHED, {})

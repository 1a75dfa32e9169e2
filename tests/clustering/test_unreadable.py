"""Photos that cannot be read keep their known faces and are listed as skipped."""

from types import SimpleNamespace

import pytest

from clustering.documents import RunState
from clustering.run_lifecycle import reopen_run
from clustering.selectors import iter_collection_faces, iter_collection_images, iter_members
from tests.clustering.deciding import Reviewed
from vision import ImageLimits

pytestmark = pytest.mark.services


def places(run):
    return sorted((member.face, member.cluster) for member in iter_members(run))


def skipped(client, run):
    """Return file, reason and known faces of the photos that a run lists as skipped."""
    rows = client.get(f"/api/v1/runs/{run.id}/skipped/").json()["skipped"]
    assert all(row["detail"].endswith(".") for row in rows)
    return [(row["image_path"].split("/")[-1], row["reason"], row["faces_kept"]) for row in rows]


def replace_by_folder(painted, path):
    path.unlink()
    path.mkdir()


def remove(painted, path):
    path.unlink()


def lower_limit(painted, path):
    limits = ImageLimits(max_bytes=path.stat().st_size - 1, max_pixels=10**6, max_side=4000)
    painted.engine.settings = SimpleNamespace(
        limits=limits, thresholds=painted.engine.settings.thresholds
    )


def lower_pixels(painted, path):
    limits = ImageLimits(max_bytes=10**6, max_pixels=10, max_side=4000)
    painted.engine.settings = SimpleNamespace(
        limits=limits, thresholds=painted.engine.settings.thresholds
    )


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (remove, "vanished"),
        (replace_by_folder, "unreadable_object"),
        (lower_limit, "too_many_bytes"),
        (lower_pixels, "too_many_pixels"),
    ],
)
def test_a_known_photo_that_cannot_be_read_keeps_its_faces(painted, viewer, page_of, fault, reason):
    path = painted.paint("a.png", 1, 2, shade=1)
    painted.paint("b.png", 1, shade=2)
    first = painted.run()
    content = path.read_bytes()
    run = painted.start(full=True, batch_size=1)
    painted.advance(run)
    settings = painted.engine.settings
    fault(painted, path)

    finished = painted.finish(run)

    assert finished.state == RunState.FINISHED
    assert places(finished) == places(first)
    assert finished.stats["total_faces"] == 3
    assert ("a.png", reason, 2) in skipped(viewer, finished)
    assert finished.skipped[reason] >= 1
    page = page_of("viewer").get(f"/collections/{painted.name.path}/-/skipped/").content.decode()
    assert f"<td>{painted.key('a.png')}</td><td>{reason}</td>" in page
    assert "2, kept" in page

    painted.engine.settings = settings
    if path.is_dir():
        path.rmdir()
    path.write_bytes(content)
    again = painted.run()
    assert again.todo >= 1
    assert again.skipped == {}
    assert skipped(viewer, again) == []
    assert {face for face, _ in places(again)} == {face for face, _ in places(first)}


def test_decisions_about_an_unreadable_photo_are_kept(painted):
    path = painted.paint("a.png", 1, shade=1)
    painted.paint("b.png", 1, shade=2)
    painted.paint("c.png", 2, shade=3)
    painted.paint("d.png", 2, shade=4)
    painted.run()
    reviewed = Reviewed(painted)
    (person,) = {
        person for person, faces in reviewed.people().items() if reviewed.face("c.png") in faces
    }
    reviewed.decide("move", faces=(reviewed.face("a.png"),), to=reviewed.label("c.png"))
    run = painted.start(full=True)
    painted.advance(run)
    replace_by_folder(painted, path)

    painted.finish(run)

    assert reviewed.face("a.png") in reviewed.people()[person]
    assert reviewed.label("a.png") == reviewed.label("c.png")


def test_photo_replaced_by_another_file_loses_its_faces(painted):
    path = painted.paint("a.png", 1, shade=1)
    painted.paint("b.png", 1, shade=2)
    painted.run()
    path.write_text("not a photo any more")

    run = painted.run()

    assert run.skipped == {"not_an_image": 1}
    assert [face.key for face in iter_collection_faces(painted.name.path)] == [painted.key("b.png")]
    assert painted.run().todo == 0


def test_archived_photos_keep_their_faces_and_are_read_after_their_restore(painted_in_s3, viewer):
    service = painted_in_s3.service
    for number in range(6):
        painted_in_s3.paint(f"p{number}.png", number % 2 + 1, shade=number)
    expected = places(painted_in_s3.run())
    archived = [painted_in_s3.key(f"p{number}.png") for number in range(3)]
    service.fail("InvalidObjectState", "GetObject", keys=archived)

    finished = painted_in_s3.run(full=True)

    assert finished.state == RunState.FINISHED
    assert finished.skipped == {"archived": 3}
    assert places(finished) == expected
    assert skipped(viewer, finished) == [(f"p{number}.png", "archived", 1) for number in range(3)]
    service.requests.clear()
    assert painted_in_s3.run().skipped == {"archived": 3}
    assert sorted(service.asked("GetObject")) == archived
    service.lift()
    restored = painted_in_s3.run()
    assert (restored.todo, restored.skipped) == (3, {})
    assert places(restored) == expected
    assert painted_in_s3.run().todo == 0


def test_photo_that_new_models_cannot_read_keeps_its_faces(painted_in_s3):
    for number in range(4):
        painted_in_s3.paint(f"p{number}.png", 1, shade=number)
    first = painted_in_s3.run()
    engine = painted_in_s3.engine
    engine.model, engine.embedder_id = "painted+others", "others"
    painted_in_s3.vectors.ensure("others", engine.dimension)
    painted_in_s3.service.fail("AccessDenied", "GetObject", keys=[painted_in_s3.key("p0.png")])

    run = painted_in_s3.run()

    assert run.stats["total_faces"] == 3
    assert run.stats["faces_without_vectors"] == 0
    (known,) = (
        face.id for face in iter_collection_faces(painted_in_s3.name.path) if "p0" in face.key
    )
    assert known in {face for face, _ in places(first)}
    assert known in painted_in_s3.vectors.retrieve("painted-vectors", [known])
    assert painted_in_s3.crops.missing([known]) == []


def test_one_truncated_object_does_not_stop_the_run(painted_in_s3, viewer):
    for number in range(4):
        painted_in_s3.paint(f"p{number}.png", 1, shade=number)
    first = painted_in_s3.run()
    painted_in_s3.service.truncated[painted_in_s3.key("p2.png")] = 10

    finished = painted_in_s3.run(full=True)

    assert finished.state == RunState.FINISHED
    assert skipped(viewer, finished) == [("p2.png", "object_failing", 1)]
    assert places(finished) == places(first)


@pytest.mark.parametrize("fault", ["truncated", "InternalError"])
def test_one_new_object_that_always_fails_does_not_stop_the_run(painted_in_s3, viewer, fault):
    """The object is the only one of its batch, so the batch has no readable object to compare."""
    for number in range(4):
        painted_in_s3.paint(f"p{number}.png", 1, shade=number)
    first = painted_in_s3.run()
    key = painted_in_s3.paint("q.png", 1, shade=9)
    if fault == "truncated":
        painted_in_s3.service.truncated[key] = 10
    else:
        painted_in_s3.service.fail(fault, "GetObject", keys=[key])

    finished = painted_in_s3.run()

    assert finished.state == RunState.FINISHED
    assert skipped(viewer, finished) == [("q.png", "object_failing", 0)]
    assert places(finished) == places(first)


def test_run_waits_for_a_service_whose_objects_are_all_truncated(painted_in_s3):
    for number in range(4):
        painted_in_s3.paint(f"p{number}.png", 1, shade=number)
        painted_in_s3.service.truncated[painted_in_s3.key(f"p{number}.png")] = 10
    run = painted_in_s3.start()

    waiting = painted_in_s3.finish(run)

    assert (waiting.state, waiting.failed) == (RunState.WORKING, 0)
    assert "breaks off" in waiting.waiting_for
    painted_in_s3.service.lift()
    assert painted_in_s3.finish(run).stats["total_faces"] == 4


@pytest.mark.parametrize("known", [True, False])
def test_run_without_read_permission_fails_and_changes_nothing(painted_in_s3, viewer, known):
    for number in range(4):
        painted_in_s3.paint(f"p{number}.png", 1, shade=number)
    first = painted_in_s3.run() if known else None
    painted_in_s3.service.fail("AccessDenied", "GetObject")

    failed = painted_in_s3.run(full=True)

    body = viewer.get(f"/api/v1/runs/{failed.id}/").json()
    assert (body["state"], body["failure"]["code"]) == ("failed", "nothing_readable")
    assert "None of the 4 photos" in body["failure"]["detail"]
    collection = viewer.get(f"/api/v1/collections/{painted_in_s3.name.path}/").json()
    current = collection["current_run"]
    assert (current and current["clustering_id"]) == (first and first.id)
    assert len(list(iter_collection_faces(painted_in_s3.name.path))) == (4 if known else 0)
    painted_in_s3.service.lift()
    reopen_run(failed)
    finished = painted_in_s3.finish(failed)
    assert (finished.state, finished.stats["total_faces"]) == (RunState.FINISHED, 4)


@pytest.mark.parametrize(
    ("poisoned", "ended"), [(1, ("finished", "")), (3, ("failed", "nothing_readable"))]
)
def test_known_photos_that_crash_the_reader_keep_their_faces(painted, poisoned, ended):
    for number in range(3):
        painted.paint(f"p{number}.png", number + 1)
    first = painted.run()

    def crash(images, faces=painted.engine.faces):
        if any(image.pixels[0, 0, 0] <= poisoned for image in images):
            raise RuntimeError("unforeseen")
        return faces(images)

    painted.engine.faces = crash

    run = painted.run(full=True)

    assert (run.state, run.failure_code) == ended
    faces = {face for face, _ in places(first)}
    assert {one.id for one in iter_collection_faces(painted.name.path)} == faces
    assert {face for face, _ in places(run)} == (faces if poisoned == 1 else set())


def test_new_unreadable_photo_does_not_affect_known_photos(painted_in_s3):
    painted_in_s3.paint("a.png", 1)
    painted_in_s3.run()
    painted_in_s3.paint("b.png", 1, shade=1)
    painted_in_s3.service.fail("AccessDenied", "GetObject")

    run = painted_in_s3.run()

    assert run.state == RunState.FINISHED
    assert (run.stats["total_faces"], run.skipped) == (1, {"unreadable_object": 1})


def test_a_repair_that_cannot_read_a_photo_keeps_its_faces(active_engine, admin):
    path = active_engine.paint("a.png", 1, shade=1)
    active_engine.paint("b.png", 1, shade=2)
    first = active_engine.run()
    (face,) = (member.face for member in iter_members(first) if "a.png" in member.key)
    active_engine.crops.delete([face])
    replace_by_folder(active_engine, path)

    answer = admin.post(f"/verify-fixed-storage/{active_engine.name.path}")

    assert answer.status_code == 200
    assert {one.key: one.faces for one in iter_collection_images(active_engine.name.path)} == {
        active_engine.key("a.png"): 1,
        active_engine.key("b.png"): 1,
    }
    assert face in {one.id for one in iter_collection_faces(active_engine.name.path)}


def test_repair_without_the_folder_is_refused_and_changes_nothing(active_engine, admin):
    active_engine.paint("a.png", 1, shade=1)
    active_engine.paint("b.png", 1, shade=2)
    first = active_engine.run()
    active_engine.crops.delete([iter_members(first).__next__().face])
    active_engine.folder.rename(active_engine.folder.with_name("elsewhere"))

    answer = admin.post(f"/verify-fixed-storage/{active_engine.name.path}")

    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert [one.faces for one in iter_collection_images(active_engine.name.path)] == [1, 1]
    assert not any(one.reason for one in iter_collection_images(active_engine.name.path))


def test_removed_photos_are_not_counted(painted):
    painted.paint("a.png", 1, shade=1)
    path = painted.paint("b.png", 1, shade=2)
    assert painted.run().stats["total_images"] == 2
    path.unlink()

    assert painted.run().stats["total_images"] == 1

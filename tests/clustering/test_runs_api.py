"""Runs under /api/v1/runs/: list, read, cancel, resume, and the photos that were not read."""

import pytest

from clustering.documents import Removal, RunState
from clustering.errors import CollectionBusy
from clustering.locks import check_no_removal, lock_collection
from clustering.selectors import get_run
from storage.leases import take_lease

pytestmark = pytest.mark.services

UNKNOWN = "0" * 24


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    """Note what would be enqueued instead of doing it."""
    ids = []
    monkeypatch.setattr("clustering.services.enqueue_run", ids.append)
    return ids


def runs_of(painted):
    return f"/api/v1/runs/?collection={painted.name.path}"


def test_the_list_has_the_newest_run_first_in_pages(painted, viewer):
    painted.paint("a.png", 1)
    runs = [painted.run().id for _ in range(3)]

    first = viewer.get(f"{runs_of(painted)}&limit=2").json()
    second = viewer.get(f"{runs_of(painted)}&limit=2&cursor={first['next']}").json()

    listed = [run["clustering_id"] for page in (first, second) for run in page["runs"]]
    assert listed == runs[::-1]
    assert second["next"] is None
    assert first["runs"][0]["is_current"] is True


def test_the_list_needs_a_collection_that_is_one(painted, viewer):
    assert viewer.get("/api/v1/runs/").status_code == 422
    assert viewer.get("/api/v1/runs/?collection=nonsense").status_code == 422
    assert viewer.get("/api/v1/runs/?collection=a/b&collection=c/d").status_code == 422
    assert viewer.get("/api/v1/runs/?collection=nobody/knows").status_code == 404


def test_a_cursor_of_another_collection_is_400(painted, viewer):
    painted.paint("a.png", 1)
    painted.run()

    answer = viewer.get(f"{runs_of(painted)}&cursor=YS9iCTE")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_a_finished_run_tells_all(painted, viewer):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    (painted.folder / "broken.png").write_text("no photo")
    run = painted.run(min_samples=2)

    body = viewer.get(f"/api/v1/runs/{run.id}/").json()

    assert (body["state"], body["is_current"], body["has_clusters"]) == ("finished", True, True)
    assert body["parameters"]["eps"] == 0.1
    assert body["parameters"]["max_images"] is None
    assert body["models"] == {
        "detector": "painted",
        "embedder": "painted-vectors",
        "dimension": 32,
    }
    assert body["progress"]["percent"] == 100.0
    assert body["statistics"]["num_clusters"] == 1
    assert body["skipped"] == {"not_an_image": 1}
    assert (body["failure"], body["waiting_for"]) == (None, None)
    assert body["started_by"] == "test"


def test_a_working_run_tells_its_progress_and_no_statistics(painted, viewer):
    painted.paint("a.png", 1)
    run = painted.start()
    painted.advance(run)

    body = viewer.get(f"/api/v1/runs/{run.id}/").json()

    assert (body["state"], body["progress"]["listed"]) == ("working", 1)
    assert (body["statistics"], body["finished_at"]) == (None, None)


def test_a_failed_run_tells_why(painted, viewer):
    photo = painted.paint("a.png", 1)
    run = painted.start()
    painted.advance(run)
    photo.unlink()
    photo.mkdir()  # which no one can read as a file
    painted.finish(run)

    body = viewer.get(f"/api/v1/runs/{run.id}/").json()

    assert body["failure"]["code"] == "nothing_readable"


def test_a_run_is_cancelled_and_resumed(painted, queued, reviewer):
    painted.paint("a.png", 1)
    run = painted.start()

    cancelled = reviewer.post(f"/api/v1/runs/{run.id}/cancel/")
    painted.finish(run)
    resumed = reviewer.post(f"/api/v1/runs/{run.id}/resume/")

    assert (cancelled.status_code, resumed.status_code) == (202, 202)
    assert cancelled["Location"] == resumed["Location"] == f"/api/v1/runs/{run.id}/"
    assert cancelled.json()["cancel_requested"] is True
    assert resumed.json()["state"] == "queued"
    assert queued == [run.id, run.id]
    assert painted.finish(run).state == RunState.FINISHED


def test_what_has_ended_is_neither_cancelled_nor_resumed(painted, reviewer):
    painted.paint("a.png", 1)
    run = painted.run()

    cancelled = reviewer.post(f"/api/v1/runs/{run.id}/cancel/")
    resumed = reviewer.post(f"/api/v1/runs/{run.id}/resume/")

    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "run_ended")
    assert (resumed.status_code, resumed.json()["code"]) == (409, "run_not_resumable")


def test_viewers_neither_cancel_nor_resume(painted, viewer):
    painted.paint("a.png", 1)
    run = painted.start()

    assert viewer.post(f"/api/v1/runs/{run.id}/cancel/").status_code == 403
    assert viewer.post(f"/api/v1/runs/{run.id}/resume/").status_code == 403
    assert get_run(run.id).cancel_requested is False


@pytest.mark.parametrize("run_id", [UNKNOWN, "nonsense", "%00", "x" * 500, "65F1C0FFEE", "ä"])
def test_an_unknown_run_is_404_everywhere(stores, viewer, reviewer, admin, run_id):
    answers = [
        viewer.get(f"/api/v1/runs/{run_id}/"),
        viewer.get(f"/api/v1/runs/{run_id}/skipped/"),
        reviewer.post(f"/api/v1/runs/{run_id}/cancel/"),
        reviewer.post(f"/api/v1/runs/{run_id}/resume/"),
        admin.delete(f"/api/v1/runs/{run_id}/"),
    ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "no_run")}


def test_photos_that_were_not_read_are_listed_with_their_reason_in_pages(painted, viewer):
    painted.paint("good.png", 1)
    for number in range(3):
        (painted.folder / f"broken{number}.png").write_text("no photo")
    run = painted.run()

    first = viewer.get(f"/api/v1/runs/{run.id}/skipped/?limit=2").json()
    second = viewer.get(f"/api/v1/runs/{run.id}/skipped/?limit=2&cursor={first['next']}").json()

    rows = first["skipped"] + second["skipped"]
    assert [row["image_path"] for row in rows] == [
        painted.key(f"broken{number}.png") for number in range(3)
    ]
    assert {row["reason"] for row in rows} == {"not_an_image"}
    assert second["next"] is None


def test_a_run_over_the_first_photos_lists_no_photo_beyond_them(painted, viewer):
    for number in range(3):
        (painted.folder / f"broken{number}.png").write_text("no photo")
    painted.run()
    first = painted.run(max_images=1)

    body = viewer.get(f"/api/v1/runs/{first.id}/skipped/").json()

    assert [row["image_path"] for row in body["skipped"]] == [painted.key("broken0.png")]


def test_no_run_begins_or_goes_on_while_something_is_removed(painted):
    painted.paint("a.png", 1)
    painted.run()

    with lock_collection(painted.name.path), pytest.raises(CollectionBusy):
        painted.start()

    assert painted.run().state == RunState.FINISHED


def test_a_run_that_began_between_the_checks_of_a_deletion_steps_back(painted, monkeypatch):
    painted.paint("a.png", 1)
    before = painted.run()
    checks = []

    def check(path):
        checks.append(path)
        if len(checks) == 2:
            take_lease(Removal(id=path).save())
        check_no_removal(path)

    monkeypatch.setattr("clustering.run_lifecycle.check_no_removal", check)

    with pytest.raises(CollectionBusy):
        painted.start()

    Removal.objects(id=painted.name.path).delete()
    monkeypatch.undo()
    assert [run.id for run in painted.runs()] == [before.id]
    assert painted.run().state == RunState.FINISHED

"""If many known photos are missing from the listing, nothing is removed without confirmation."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from clustering.documents import RunState
from clustering.run_lifecycle import reopen_run
from clustering.selectors import find_current_run, iter_collection_faces, iter_members, newest_run

pytestmark = pytest.mark.services


def faces_left(painted):
    return len(list(iter_collection_faces(painted.name.path)))


def start_address(painted):
    return f"/cluster-bucket-with-db/{painted.name.path}"


@pytest.fixture
def finished(active_engine):
    """A finished run of 40 photos; then the first 25 are moved to another folder of the bucket."""
    for number in range(40):
        active_engine.paint(f"p{number:02d}.png", number % 3 + 1, shade=number)
    run = active_engine.run()
    move(active_engine, 25)
    return run


def elsewhere(painted):
    return painted.folder.with_name("elsewhere")


def move(painted, number):
    elsewhere(painted).mkdir(exist_ok=True)
    for path in sorted(painted.folder.iterdir())[:number]:
        path.rename(elsewhere(painted) / path.name)


def move_back(painted):
    for path in elsewhere(painted).iterdir():
        path.rename(painted.folder / path.name)


def test_run_with_many_missing_photos_fails_and_removes_nothing(active_engine, finished, viewer):
    failed = active_engine.run()

    body = viewer.get(f"/api/v1/runs/{failed.id}/").json()
    assert (body["state"], body["failure"]["code"]) == ("failed", "removals_need_confirmation")
    assert "25 of 40 known photos" in body["failure"]["detail"]
    assert "allow_removals" in body["failure"]["detail"]
    assert body["parameters"]["allow_removals"] is False
    assert find_current_run(active_engine.name.path).id == finished.id
    assert faces_left(active_engine) == 40
    faces = [member.face for member in iter_members(finished)]
    assert active_engine.crops.missing(faces) == []
    assert len(active_engine.vectors.retrieve("painted-vectors", faces)) == 40


@pytest.mark.parametrize("kind", [{"full": True}, {"preview": True}])
def test_full_and_preview_runs_need_confirmation_too(active_engine, finished, kind):
    failed = active_engine.run(**kind)

    assert (failed.state, failed.failure_code) == (RunState.FAILED, "removals_need_confirmation")
    assert faces_left(active_engine) == 40


def test_resumed_run_finishes_after_the_photos_are_back(active_engine, finished):
    failed = active_engine.run()
    reopen_run(failed)
    failed = active_engine.finish(failed)
    assert failed.failure_code == "removals_need_confirmation"
    move_back(active_engine)

    reopen_run(failed)
    resumed = active_engine.finish(failed)

    assert (resumed.state, resumed.failure_code) == (RunState.FINISHED, "")
    assert resumed.stats["total_faces"] == 40


def test_removals_are_confirmed_over_rest(active_engine, finished, reviewer):
    answer = reviewer.post(f"{start_address(active_engine)}?allow_removals=true")
    run = active_engine.finish(newest_run(active_engine.name.path))

    assert answer.status_code == 202
    assert (run.state, run.stats["total_faces"]) == (RunState.FINISHED, 15)
    assert faces_left(active_engine) == 15
    assert (
        reviewer.post(f"{start_address(active_engine)}?allow_removals=perhaps").status_code == 422
    )


def test_removals_are_confirmed_by_the_command(active_engine, finished, settings, db):
    settings.MONGODB_EMBEDDED = False  # otherwise the command checks for workers
    call_command("cluster_bucket", active_engine.name.path, "--allow-removals")

    run = active_engine.finish(newest_run(active_engine.name.path))

    assert (run.state, faces_left(active_engine)) == (RunState.FINISHED, 15)


def test_page_button_confirms_with_the_same_parameters(active_engine, finished, page_of):
    failed = active_engine.run(eps=0.07, max_images=20)
    browser = page_of("reviewer")
    page = reverse(
        "collection", kwargs={"bucket": active_engine.name.bucket, "sub": active_engine.name.sub}
    )
    address = f"/runs/{failed.id}/allow-removals/"

    body = browser.get(page).content.decode()
    answer = browser.post(address)

    assert "25 of 40 known photos" in body
    assert f'action="{address}"' in body
    assert answer.status_code == 303
    confirmed = newest_run(active_engine.name.path)
    assert confirmed.id != failed.id
    assert (confirmed.eps, confirmed.max_images, confirmed.allow_removals) == (0.07, 20, True)
    assert confirmed.started_by == "reviewer-person"
    assert active_engine.finish(confirmed).state == RunState.FINISHED
    assert faces_left(active_engine) == 15
    assert address not in browser.get(page).content.decode()
    refused = browser.post(address)  # as from an outdated page
    assert refused.status_code == 409


def test_viewers_see_no_button_and_cannot_confirm(active_engine, finished, page_of):
    failed = active_engine.run()
    browser = page_of("viewer")
    page = reverse(
        "collection", kwargs={"bucket": active_engine.name.bucket, "sub": active_engine.name.sub}
    )

    address = f"/runs/{failed.id}/allow-removals/"

    assert address not in browser.get(page).content.decode()
    assert browser.post(address).status_code == 403


def test_few_photos_are_removed_without_confirmation(active_engine, finished):
    move_back(active_engine)
    move(active_engine, 19)

    run = active_engine.run()

    assert (run.state, run.gone, faces_left(active_engine)) == (RunState.FINISHED, 19, 21)


def test_share_removed_without_confirmation_is_configurable(active_engine, finished):
    run = active_engine.start()
    active_engine.finish(run, removals_max_share=0.7)

    assert faces_left(active_engine) == 15


def test_photos_never_read_do_not_count_as_missing(active_engine, finished):
    move_back(active_engine)
    for number in range(30):
        (active_engine.folder / f"broken{number}.png").write_text("no photo")
    active_engine.run()
    for path in active_engine.folder.glob("broken*"):
        path.unlink()

    run = active_engine.run()

    assert (run.state, run.gone, faces_left(active_engine)) == (RunState.FINISHED, 30, 40)


def test_photos_beyond_max_images_do_not_count_as_missing(active_engine, finished):
    move_back(active_engine)

    run = active_engine.run(max_images=5)

    assert (run.state, run.stats["total_faces"]) == (RunState.FINISHED, 5)
    assert faces_left(active_engine) == 40


def test_photos_under_ignored_names_are_removed_without_confirmation(painted, settings):
    painted.paint("a.png", 1)
    for number in range(25):
        painted.paint(f"old/{number}.png", 1, shade=number)
    painted.run()
    settings.IGNORED_PATHS = ("old",)

    run = painted.run()

    assert run.state == "finished"
    assert run.stats["total_images"] == 1

"""Many known photos that are missing from the listing: nothing is removed until it is confirmed."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from clustering.documents import RunState
from clustering.selectors import collection_faces, current_run, members_all, run_newest
from clustering.services import run_resume

pytestmark = pytest.mark.services


def faces_left(painted):
    return len(list(collection_faces(painted.name.path)))


def start_address(painted):
    return f"/cluster-bucket-with-db/{painted.name.path}"


@pytest.fixture
def finished(in_force):
    """A run of 40 photos, of which the first 25 then move away; the bucket has another folder."""
    for number in range(40):
        in_force.paint(f"p{number:02d}.png", number % 3 + 1, shade=number)
    run = in_force.run()
    move(in_force, 25)
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


def test_a_run_that_misses_many_photos_fails_and_removes_nothing(in_force, finished, viewer):
    failed = in_force.run()

    body = viewer.get(f"/api/v1/runs/{failed.id}/").json()
    assert (body["state"], body["failure"]["code"]) == ("failed", "removals_need_confirmation")
    assert "25 of 40 known photos" in body["failure"]["detail"]
    assert "allow_removals" in body["failure"]["detail"]
    assert body["parameters"]["allow_removals"] is False
    assert current_run(in_force.name.path).id == finished.id
    assert faces_left(in_force) == 40
    faces = [member.face for member in members_all(finished)]
    assert in_force.crops.missing(faces) == []
    assert len(in_force.vectors.retrieve("painted-vectors", faces)) == 40


@pytest.mark.parametrize("kind", [{"full": True}, {"preview": True}])
def test_other_kinds_of_runs_ask_as_well(in_force, finished, kind):
    failed = in_force.run(**kind)

    assert (failed.state, failed.failure_code) == (RunState.FAILED, "removals_need_confirmation")
    assert faces_left(in_force) == 40


def test_a_run_goes_on_when_the_photos_are_back(in_force, finished):
    failed = in_force.run()
    run_resume(failed)
    failed = in_force.finish(failed)
    assert failed.failure_code == "removals_need_confirmation"
    move_back(in_force)

    run_resume(failed)
    resumed = in_force.finish(failed)

    assert (resumed.state, resumed.failure_code) == (RunState.FINISHED, "")
    assert resumed.stats["total_faces"] == 40


def test_rest_confirms(in_force, finished, reviewer):
    answer = reviewer.post(f"{start_address(in_force)}?allow_removals=true")
    run = in_force.finish(run_newest(in_force.name.path))

    assert answer.status_code == 202
    assert (run.state, run.stats["total_faces"]) == (RunState.FINISHED, 15)
    assert faces_left(in_force) == 15
    assert reviewer.post(f"{start_address(in_force)}?allow_removals=perhaps").status_code == 422


def test_the_command_confirms(in_force, finished, settings, db):
    settings.MONGODB_EMBEDDED = False  # else the command asks for workers
    call_command("cluster_bucket", in_force.name.path, "--allow-removals")

    run = in_force.finish(run_newest(in_force.name.path))

    assert (run.state, faces_left(in_force)) == (RunState.FINISHED, 15)


def test_a_button_on_the_page_confirms_with_the_same_parameters(in_force, finished, page_of):
    failed = in_force.run(eps=0.07, max_images=20)
    browser = page_of("reviewer")
    page = reverse("collection", kwargs={"bucket": in_force.name.bucket, "sub": in_force.name.sub})
    address = f"/runs/{failed.id}/allow-removals/"

    body = browser.get(page).content.decode()
    answer = browser.post(address)

    assert "25 of 40 known photos" in body
    assert f'action="{address}"' in body
    assert answer.status_code == 303
    confirmed = run_newest(in_force.name.path)
    assert confirmed.id != failed.id
    assert (confirmed.eps, confirmed.max_images, confirmed.allow_removals) == (0.07, 20, True)
    assert confirmed.started_by == "reviewer-person"
    assert in_force.finish(confirmed).state == RunState.FINISHED
    assert faces_left(in_force) == 15
    assert address not in browser.get(page).content.decode()
    refused = browser.post(address)  # from a page that is out of date
    assert refused.status_code == 409


def test_viewers_see_no_button_and_may_not_confirm(in_force, finished, page_of):
    failed = in_force.run()
    browser = page_of("viewer")
    page = reverse("collection", kwargs={"bucket": in_force.name.bucket, "sub": in_force.name.sub})

    address = f"/runs/{failed.id}/allow-removals/"

    assert address not in browser.get(page).content.decode()
    assert browser.post(address).status_code == 403


def test_few_photos_are_removed_unasked(in_force, finished):
    move_back(in_force)
    move(in_force, 19)

    run = in_force.run()

    assert (run.state, run.gone, faces_left(in_force)) == (RunState.FINISHED, 19, 21)


def test_the_share_that_is_removed_unasked_can_be_set(in_force, finished):
    run = in_force.start()
    in_force.finish(run, removals_max_share=0.7)

    assert faces_left(in_force) == 15


def test_photos_that_were_never_read_are_not_missed(in_force, finished):
    move_back(in_force)
    for number in range(30):
        (in_force.folder / f"broken{number}.png").write_text("no photo")
    in_force.run()
    for path in in_force.folder.glob("broken*"):
        path.unlink()

    run = in_force.run()

    assert (run.state, run.gone, faces_left(in_force)) == (RunState.FINISHED, 30, 40)


def test_photos_beyond_a_limit_are_not_missed(in_force, finished):
    move_back(in_force)

    run = in_force.run(max_images=5)

    assert (run.state, run.stats["total_faces"]) == (RunState.FINISHED, 5)
    assert faces_left(in_force) == 40


def test_photos_under_names_that_are_ignored_now_go_without_being_confirmed(painted, settings):
    painted.paint("a.png", 1)
    for number in range(25):
        painted.paint(f"old/{number}.png", 1, shade=number)
    painted.run()
    settings.IGNORED_PATHS = ("old",)

    run = painted.run()

    assert run.state == "finished"
    assert run.stats["total_images"] == 1

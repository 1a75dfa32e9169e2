"""A second run processes only new, changed and deleted photos."""

import pytest

from clustering.documents import Face, RunState
from clustering.errors import EmptyCollection
from clustering.run_lifecycle import request_cancel
from clustering.selectors import iter_collection_faces, iter_collection_images, iter_members

pytestmark = pytest.mark.services


def ids(run):
    return {member.face for member in iter_members(run)}


def test_an_unchanged_collection_decodes_nothing_and_stays_as_it_is(painted):
    for number in range(5):
        painted.paint(f"p{number}.png", 1, 2, shade=number)
    first = painted.run()
    painted.engine.decoded = 0

    second = painted.run()

    assert painted.engine.decoded == 0
    assert (second.decoded, second.todo, second.unchanged) == (0, 0, 5)
    assert second.stats == first.stats
    assert [(m.face, m.cluster) for m in iter_members(second)] == [
        (m.face, m.cluster) for m in iter_members(first)
    ]


def test_one_photo_added_one_replaced_one_removed_change_exactly_those(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, shade=number)
    before = painted.run()
    of = {member.key: member.face for member in iter_members(before)}
    painted.engine.decoded = 0

    painted.paint("added.png", 1, shade=9)
    painted.paint("p1.png", 2, 3)
    (painted.folder / "p2.png").unlink()
    after = painted.run()

    assert painted.engine.decoded == 2
    assert (after.todo, after.gone, after.unchanged) == (2, 1, 2)
    kept = {of[painted.key("p0.png")], of[painted.key("p3.png")]}
    assert kept <= ids(after)
    left = {of[painted.key("p1.png")], of[painted.key("p2.png")]}
    assert not left & ids(after)
    assert after.stats["total_faces"] == 5


def test_faces_that_left_are_removed_from_every_store(painted):
    painted.paint("stays.png", 1)
    leaves = painted.paint("leaves.png", 1, shade=1)
    run = painted.run()
    gone = next(m.face for m in iter_members(run) if m.key == painted.key("leaves.png"))
    leaves.unlink()

    painted.run()

    assert Face.objects(id=gone).first() is None
    assert painted.vectors.retrieve("painted-vectors", [gone]) == {}
    assert painted.crops.missing([gone]) == [gone]
    assert [image.key for image in iter_collection_images(painted.name.path)] == [
        painted.key("stays.png")
    ]


def test_a_collection_whose_photos_all_left_can_be_emptied(painted):
    photo = painted.paint("a.png", 1)
    painted.run()
    photo.unlink()

    emptied = painted.run()

    assert emptied.state == RunState.FINISHED
    assert emptied.stats["total_faces"] == 0
    assert list(iter_collection_faces(painted.name.path)) == []
    with pytest.raises(EmptyCollection):
        painted.start()


def test_a_touched_file_with_the_same_content_is_not_decoded_and_keeps_its_faces(painted):
    path = painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    painted.engine.decoded = 0

    path.write_bytes(path.read_bytes())
    second = painted.run()

    assert second.todo == 1
    assert painted.engine.decoded == 0
    assert ids(second) == ids(first)


def test_folders_of_storage_devices_are_no_photos(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
        for folder in ("@eaDir", "#recycle", "deep/@Recycle", "$RECYCLE.BIN", "lost+found"):
            painted.paint(f"{folder}/p{number}.png", 1, shade=number)

    run = painted.run()

    assert (run.listed, run.stats["total_images"], run.stats["total_faces"]) == (3, 3, 3)


def test_photos_in_a_folder_that_is_passed_over_from_now_on_leave(painted, settings):
    painted.paint("a.png", 1)
    painted.paint("duplicates/a.png", 1)
    assert painted.run().stats["total_faces"] == 2
    settings.IGNORED_PATHS = ("duplicates",)

    run = painted.run()

    assert (run.gone, run.stats["total_faces"]) == (1, 1)


def test_full_looks_at_everything_and_gives_the_same_ids(painted):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    first = painted.run()
    painted.engine.decoded = 0

    second = painted.run(full=True)

    assert painted.engine.decoded == 3
    assert ids(second) == ids(first)


def test_a_photo_that_was_unreadable_is_looked_at_when_it_changes(painted):
    path = painted.folder / "a.png"
    path.write_text("not yet")
    painted.paint("b.png", 1)
    assert painted.run().skipped == {"not_an_image": 1}
    assert painted.run().todo == 0

    painted.paint("a.png", 1, shade=1)
    run = painted.run()

    assert run.skipped == {}
    assert run.stats["total_faces"] == 2


def test_a_full_run_that_was_cancelled_leaves_the_stores_as_they_were(painted):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    full = painted.start(full=True)
    painted.advance(full)
    painted.advance(full)

    request_cancel(full)
    cancelled = painted.finish(full)

    assert cancelled.decoded == 2
    where = {"collection": painted.name.path, "run": first.id}
    assert painted.vectors.facet("painted-vectors", "cluster", where) == {"cluster_0": 2}


def test_readers_see_the_old_run_until_the_switch(painted):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    painted.paint("a.png", 2)
    second = painted.start()
    painted.advance(second)
    painted.advance(second)

    assert second.reload().state == RunState.GROUPING
    faces = {face.id for face in iter_collection_faces(painted.name.path)}
    assert ids(first) <= faces

    finished = painted.finish(second)
    assert ids(finished) == {face.id for face in iter_collection_faces(painted.name.path)}

"""A run shares the groups of the previous run only if none of the grouping's inputs changed."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from clustering.deletion import remove_run
from clustering.documents import Cluster, Collection, Face, Member, RunState, Verdict
from clustering.pipeline.batches import claim_batch, process_batch
from clustering.run_lifecycle import reopen_run, request_apply, request_cancel
from clustering.selectors import (
    get_run,
    iter_collection_faces,
    iter_collection_images,
    iter_members,
)
from clustering.services import repair_storage
from clustering.signals import groups_switching
from storage.mongo import bulk_delete
from tests.clustering.deciding import Reviewed
from tests.clustering.test_faults import Away, expire_leases

pytestmark = pytest.mark.services


def paint(painted, numbers):
    for number in numbers:
        painted.paint(f"p{number:02d}.png", 1, shade=number)


def photos(run):
    return len({member.key for member in iter_members(run)})


def shares(run, other):
    """Return whether a run shares the groups of another."""
    return [one.id for one in iter_members(run)] == [one.id for one in iter_members(other)]


@pytest.fixture
def ten(painted):
    """A collection with a finished run of ten photos, and ten new photos that no run has read."""
    paint(painted, range(10))
    painted.first = painted.run()
    paint(painted, range(10, 20))
    return painted


def work_begun(painted, **parameters):
    """Start a run and advance it to the grouping state, in which all photos are read."""
    run = painted.start(**parameters)
    while get_run(run.id).state != RunState.GROUPING:
        painted.advance(run)
    return run


def cancelled(painted):
    run = work_begun(painted)
    request_cancel(get_run(run.id))
    return painted.finish(run)


def failed(painted):
    broken = Away(painted.vectors, method="iter_vectors", times=1, error=RuntimeError("a bug"))
    return painted.finish(painted.start(), vectors=broken)


def killed(painted):
    """A worker writes its photos and is killed before counting them; then the run is cancelled."""
    run = painted.start(batch_size=5)
    painted.advance(run)
    lost = SimpleNamespace(check=lambda: None, commit=lambda **_: False)
    for _ in range(2):
        process_batch(
            claim_batch(run.id), run=get_run(run.id), lease=lost, context=painted.context()
        )
    expire_leases(run)
    request_cancel(get_run(run.id))
    return painted.finish(run)


def deleted(painted):
    run = cancelled(painted)
    remove_run(run, vectors=painted.vectors)
    return run


def previewed(painted):
    return painted.run(preview=True)


def preview_dropped(painted):
    run = previewed(painted)
    remove_run(run, vectors=painted.vectors)
    return run


def current_deleted(painted):
    """The run before the one that read the new photos is current again."""
    run = painted.run()
    remove_run(run, vectors=painted.vectors)
    return run


READ_BY = [cancelled, failed, killed, deleted, previewed, preview_dropped, current_deleted]


@pytest.mark.parametrize("read_new_photos", READ_BY)
def test_photos_read_by_another_run_are_in_the_next_run(ten, read_new_photos):
    other = read_new_photos(ten)
    assert len(list(iter_collection_images(ten.name.path))) == 20
    assert Collection.objects(path=ten.name.path).first().current_run == ten.first.id

    run = ten.run()

    assert other.state in (RunState.CANCELLED, RunState.FAILED, RunState.FINISHED)
    assert (run.state, run.todo) == (RunState.FINISHED, 0)
    assert (photos(run), run.stats["total_images"], run.stats["total_faces"]) == (20, 20, 20)
    assert shares(ten.run(), run)


def test_applied_preview_keeps_its_groups_and_the_next_run_has_all_photos(ten):
    preview = ten.run(preview=True)
    paint(ten, range(20, 25))
    cancelled(ten)
    request_apply(preview)
    ten.finish(preview)
    assert Collection.objects(path=ten.name.path).first().current_run == preview.id

    run = ten.run()

    assert (run.todo, photos(get_run(preview.id)), photos(run)) == (0, 20, 25)


def test_next_run_reports_unreadable_photos(ten):
    (ten.folder / "broken.png").write_text("no photo")
    cancelled(ten)

    run = ten.run()

    assert (run.todo, run.skipped) == (0, {"not_an_image": 1})


def test_run_with_max_images_shares_groups_of_the_same_photos(ten):
    first = ten.run(max_images=5)
    cancelled(ten)

    again = ten.run(max_images=5)
    more = ten.run(max_images=15)
    everything = ten.run()

    assert shares(again, first)
    assert (photos(again), photos(more), photos(everything)) == (5, 15, 20)


def fail(**_):
    raise RuntimeError("a bug")


def test_resumed_run_that_had_shared_groups_reads_new_photos(painted):
    paint(painted, range(3))
    painted.run()
    groups_switching.connect(fail, dispatch_uid="fail")
    try:
        run = painted.run()
    finally:
        groups_switching.disconnect(dispatch_uid="fail")
    assert (run.state, run.grouped) == (RunState.FAILED, True)
    paint(painted, range(3, 6))

    reopen_run(run)
    run = painted.finish(run)

    assert photos(run) == 6


def test_vector_restored_by_a_repair_is_in_the_next_run(active_engine):
    paint(active_engine, range(4))
    face = next(iter(iter_members(active_engine.run()))).face
    active_engine.vectors.delete("painted-vectors", [face])
    without = active_engine.run(full=False, eps=0.11)
    assert without.stats["faces_without_vectors"] == 1

    repair_storage(without)
    run = active_engine.run(eps=0.11)

    assert (run.stats["faces_without_vectors"], photos(run)) == (0, 4)


def test_lost_face_documents_are_not_counted(painted):
    paint(painted, range(6))
    first = painted.run()
    lost = [face.id for face in iter_collection_faces(painted.name.path)][:2]
    bulk_delete(Face, lost)

    run = painted.run()

    assert first.stats["total_faces"] == 6
    assert (run.stats["total_faces"], photos(run)) == (4, 4)


def test_verdicts_of_other_thresholds_are_recomputed(painted):
    """A preview with stricter thresholds changes verdicts; the next run recomputes them."""
    paint(painted, range(3))
    painted.run()
    usual = painted.engine.settings.thresholds
    painted.engine.settings = SimpleNamespace(
        limits=painted.engine.settings.limits, thresholds=replace(usual, blur_threshold=500)
    )
    assert painted.run(preview=True).stats["refused_faces"] == 3
    painted.engine.settings = SimpleNamespace(
        limits=painted.engine.settings.limits, thresholds=usual
    )

    run = painted.run()

    assert {face.verdict for face in iter_collection_faces(painted.name.path)} == {Verdict.KEPT}
    assert (photos(run), run.stats["refused_faces"]) == (3, 0)


@pytest.mark.parametrize("kind", ["nothing", "touched", "a decision", "cancelled at once"])
def test_unchanged_inputs_share_the_groups(painted, kind):
    paint(painted, range(5))
    painted.paint("other.png", 90)
    painted.paint("other2.png", 90, shade=1)
    first = painted.run()
    reviewed = Reviewed(painted)
    if kind == "touched":
        path = painted.folder / "p00.png"
        path.write_bytes(path.read_bytes())
    elif kind == "a decision":
        reviewed.decide("ignore", faces=(reviewed.face("p00.png"),), cluster="cluster_0")
        reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    elif kind == "cancelled at once":
        run = painted.start()
        request_cancel(get_run(run.id))
        painted.finish(run)
    painted.engine.decoded = 0

    run = painted.run()

    assert painted.engine.decoded == 0
    assert get_run(run.id).clusters_run == first.id
    assert shares(run, first)
    assert list(Member.objects(run=run.id)) == list(Cluster.objects(run=run.id)) == []


def test_run_after_a_run_cancelled_over_rest_has_all_photos(active_engine, reviewer, monkeypatch):
    """The same scenario by REST requests only."""
    paint(active_engine, range(3))
    address = f"/cluster-bucket-with-db/{active_engine.name.path}"
    work = [lambda run_id: active_engine.finish(get_run(run_id))]
    monkeypatch.setattr("clustering.services.enqueue_run", lambda run_id: work[0](run_id))
    reviewer.post(address + "?wait=5")
    paint(active_engine, range(3, 8))
    work[0] = lambda run_id: [active_engine.advance(get_run(run_id)) for _ in range(2)]
    begun = reviewer.post(address).json()["clustering_id"]
    work[0] = lambda run_id: active_engine.finish(get_run(run_id))
    answer = reviewer.post(f"/api/v1/runs/{begun}/cancel/")
    assert answer.json()["state"] in ("cancelled", "grouping")

    answer = reviewer.post(address + "?wait=5")

    assert answer.status_code == 200
    assert answer.json()["stats"]["total_images"] == 8
    assert sum(map(len, answer.json()["clusters"])) == 8

"""DELETE /api/v1/runs/{run_id}/."""

import pytest

from clustering.documents import Batch, BatchState, Cluster, Collection, Removal, Run
from clustering.locks import lock_collection
from clustering.selectors import get_run, iter_collection_faces, iter_members
from clustering.signals import groups_forgotten
from storage.leases import take_lease

pytestmark = pytest.mark.services


@pytest.fixture
def two_runs(painted):
    """Two finished runs of which the second sees one photo more."""
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    first = painted.run()
    painted.paint("c.png", 1, shade=2)
    painted.paint("d.png", 2)
    return first, painted.run()


def address(run):
    return f"/api/v1/runs/{run.id}/"


def payloads(painted):
    found = painted.vectors.iter_payloads("painted-vectors", {"collection": painted.name.path})
    return sorted((one["run"], one["cluster"]) for some in found for _, one in some)


def test_an_old_run_goes_with_its_groups_and_readers_notice_nothing(painted, two_runs, admin):
    first, second = two_runs

    answer = admin.delete(address(first))

    assert answer.status_code == 200
    assert answer.json() == {
        "clustering_id": first.id,
        "bucket_path": painted.name.path,
        "removed": {"runs": 1, "clusters": 1, "members": 2, "batches": 0},
        "current_run": second.id,
    }
    assert admin.get(address(first)).status_code == 404
    assert list(iter_members(first)) == []
    assert len(list(iter_members(second))) == 4


def test_readers_of_a_deleted_current_run_see_the_one_before(painted, two_runs, admin, viewer):
    first, second = two_runs

    answer = admin.delete(address(second))

    assert answer.json()["current_run"] == first.id
    body = viewer.get(f"/api/v1/collections/{painted.name.path}/").json()
    assert body["current_run"]["clustering_id"] == first.id
    assert body["newest_run"]["clustering_id"] == first.id
    assert payloads(painted) == [
        ("", ""),
        ("", ""),
        (first.id, "cluster_0"),
        (first.id, "cluster_0"),
    ]
    assert len(list(iter_collection_faces(painted.name.path))) == 4


def test_the_run_after_a_deleted_current_one_has_the_photos_that_it_had(painted, two_runs, admin):
    first, second = two_runs
    assert admin.delete(address(second)).json()["current_run"] == first.id

    third = painted.run()

    assert len(list(iter_members(third))) == 4
    assert (third.todo, third.stats["total_images"]) == (0, 4)


def test_without_a_run_left_the_collection_reads_as_never_clustered(
    painted, admin, viewer, page_of
):
    painted.paint("a.png", 1)
    run = painted.run()

    answer = admin.delete(address(run))

    assert answer.json()["current_run"] is None
    where = f"{painted.name.bucket}/{painted.name.sub}"
    assert viewer.get(f"/cluster-status-db/{where}").json()["code"] == "no_run"
    assert viewer.get(f"/cluster-details-db/{where}/noise").json()["code"] == "no_run"
    body = viewer.get(f"/api/v1/collections/{where}/").json()
    assert (body["current_run"], body["newest_run"], body["runs"]) == (None, None, [])
    (face,) = iter_collection_faces(painted.name.path)
    assert viewer.get(f"/api/v1/faces/{face.id}/").json()["cluster"] is None
    assert page_of("viewer").get(f"/collections/{where}/").status_code == 200
    assert painted.run().stats["total_faces"] == 1


def test_groups_that_another_run_shares_stay_until_that_goes_too(painted, admin):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    owner, sharer = painted.run(), painted.run()

    first = admin.delete(address(owner)).json()
    shown = admin.get(
        f"/cluster-details-db/{painted.name.bucket}/{painted.name.sub}/cluster_0"
    ).json()
    second = admin.delete(address(sharer)).json()

    assert (first["removed"]["members"], first["current_run"]) == (0, sharer.id)
    assert shown["total_faces"] == 2
    assert second["removed"]["members"] == 2
    assert Cluster.objects(id=Cluster.id_for(owner.id, "cluster_0")).first() is None


def test_groups_of_a_deleted_run_are_forgotten_with_the_last_that_shares_them(painted, admin):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    owner, _ = painted.run(), painted.run()
    admin.delete(address(owner))

    painted.run(full=True, runs_kept=1)

    assert list(iter_members(owner)) == []


def test_receivers_are_told_which_groups_are_deleted(two_runs, admin):
    told = []

    def listen(run_id, **_):
        told.append(run_id)

    groups_forgotten.connect(listen)
    try:
        admin.delete(address(two_runs[0]))
    finally:
        groups_forgotten.disconnect(listen)

    assert told == [two_runs[0].id]


@pytest.mark.parametrize("method", ["write_payloads", "remove_groups"])
def test_a_deletion_that_was_interrupted_is_finished_by_another(
    painted, two_runs, admin, monkeypatch, method
):
    first, second = two_runs

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"clustering.deletion.{method}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        admin.delete(address(second))
    monkeypatch.undo()

    answer = admin.delete(address(second))

    assert answer.status_code == 200
    assert Collection.objects(path=painted.name.path).first().current_run == first.id
    assert second.id not in [run for run, _ in payloads(painted)]
    assert list(iter_members(second)) == []


def test_nothing_is_deleted_while_a_run_works(painted, two_runs, admin):
    working = painted.start(full=True)

    for run in (*two_runs, working):
        answer = admin.delete(address(run))
        assert (answer.status_code, answer.json()["code"]) == (409, "run_active")
        assert answer.json()["clustering_id"] == working.id

    assert get_run(working.id).is_active


def test_nothing_is_deleted_while_a_worker_has_not_noticed_the_end(painted, admin):
    painted.paint("a.png", 1)
    run = painted.start()
    painted.advance(run)
    batch = Batch.objects(claim=Batch.claim_key(run.id, BatchState.PENDING)).first()
    take_lease(
        batch,
        set__claim=Batch.claim_key(run.id, BatchState.CLAIMED),
        set__state=BatchState.CLAIMED,
    )
    admin.post(f"/api/v1/runs/{run.id}/cancel/")
    painted.finish(run)

    held = admin.delete(address(run))
    Batch.objects(id=batch.id).update_one(set__lease_until=0)
    free = admin.delete(address(run))

    assert (held.status_code, held.json()["code"]) == (409, "run_active")
    assert free.status_code == 200
    assert free.json()["removed"]["batches"] == 1


def test_one_removal_keeps_another_away_and_a_dead_one_does_not(painted, two_runs, admin):
    with lock_collection(painted.name.path):
        busy = admin.delete(address(two_runs[0]))
    Removal(id=painted.name.path, lease_owner="dead", lease_until=1).save()

    free = admin.delete(address(two_runs[0]))

    assert (busy.status_code, busy.json()["code"]) == (409, "collection_busy")
    assert free.status_code == 200
    assert Removal.objects(id=painted.name.path).first() is None


def test_only_admins_delete(two_runs, reviewer, viewer):
    for client in (reviewer, viewer):
        assert client.delete(address(two_runs[0])).status_code == 403

    assert Run.objects(id=two_runs[0].id).first() is not None

"""DELETE /api/v1/collections/{bucket}/{sub}/: nothing of a collection is left anywhere."""

import pytest

from clustering.documents import (
    Batch,
    Cluster,
    ClusterSizes,
    Collection,
    Face,
    Image,
    Member,
    Removal,
    Run,
    RunState,
)
from clustering.selectors import iter_collection_faces
from storage.mongo import bulk_delete
from web.models import IdempotentRequest

pytestmark = pytest.mark.services

DOCUMENTS = (Collection, Run, Batch, Image, Face, Cluster, ClusterSizes, Member, Removal)


@pytest.fixture
def finished(painted):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, 2, shade=number)
    (painted.folder / "broken.png").write_text("no photo")
    painted.run()
    painted.paint("p9.png", 3)
    return painted.run()


def address(painted):
    return f"/api/v1/collections/{painted.name.bucket}/{painted.name.sub}/"


def leftovers(painted, face_ids):
    """Ask every store what it still has."""
    documents = {kind.__name__: kind.objects.count() for kind in DOCUMENTS}
    return {
        **{name: number for name, number in documents.items() if number},
        "vectors": painted.vectors.count("painted-vectors", {"collection": painted.name.path}),
        "crops": len(face_ids) - len(painted.crops.missing(face_ids)),
    }


def faces_of(painted):
    return [face.id for face in iter_collection_faces(painted.name.path)]


def test_it_leaves_nothing_and_says_what_it_removed(painted, finished, admin):
    ids = faces_of(painted)

    answer = admin.delete(address(painted))

    assert answer.status_code == 200
    body = answer.json()
    assert body["complete"] is True
    assert body["removed"] == {
        "mongodb": {
            "collections": 1,
            "runs": 2,
            "batches": 0,
            "images": 6,
            "faces": 9,
            "clusters": 5,
            "members": 17,
            "decisions": 0,
            "decided_faces": 0,
        },
        "qdrant": {"vectors": 9},
        "files": {"crops": 9},
        "login_database": {"kept_answers": 0},
    }
    assert sum(number for part in body["left"].values() for number in part.values()) == 0
    assert leftovers(painted, ids) == {"vectors": 0, "crops": 0}
    assert (painted.folder / "p0.png").exists()


def test_a_deleted_collection_reads_as_never_clustered_and_a_run_restores_it(
    painted, finished, admin
):
    ids = faces_of(painted)

    admin.delete(address(painted))

    assert admin.get(address(painted)).status_code == 404
    assert admin.get(f"/api/v1/runs/{finished.id}/").status_code == 404
    assert admin.get(f"/api/v1/faces/{ids[0]}/").status_code == 404
    assert admin.get(f"/api/v1/faces/{ids[0]}/crop/").status_code == 404
    again = painted.run()
    assert again.state == RunState.FINISHED
    assert faces_of(painted) == ids


def test_another_collection_is_not_touched(painted, finished, admin):
    other = painted.folder.with_name(painted.folder.name + "-b")
    other.mkdir()
    (other / "x.png").write_bytes((painted.folder / "p0.png").read_bytes())
    mine = painted.name
    painted.name = type(mine)(mine.bucket, other.name)
    kept = painted.run()
    painted.name = mine

    admin.delete(address(painted))

    assert admin.get(f"/api/v1/runs/{kept.id}/").json()["statistics"]["total_faces"] == 2
    where = {"collection": f"{mine.bucket}/{other.name}"}
    assert painted.vectors.count("painted-vectors", where) == 2


@pytest.mark.parametrize(
    "step",
    ["bulk_delete", "remove_groups", "vector_ids", "_remaining_documents", "Batch.objects"],
)
def test_a_purge_that_was_killed_hides_the_collection_and_is_finished_by_another(
    painted, finished, admin, monkeypatch, step
):
    ids = faces_of(painted)

    def kill(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"clustering.deletion.{step}", kill)
    with pytest.raises(KeyboardInterrupt):
        admin.delete(address(painted))
    monkeypatch.undo()
    hidden = admin.get(f"/cluster-status-db/{painted.name.path}")

    again = admin.delete(address(painted))

    assert (hidden.status_code, hidden.json()["code"]) == (404, "no_run")
    assert again.json()["complete"] is True
    assert leftovers(painted, ids) == {"vectors": 0, "crops": 0}


def test_a_run_after_a_purge_that_was_killed_finds_all_again(painted, finished, admin, monkeypatch):
    ids = faces_of(painted)

    def kill_halfway(kind, some):
        bulk_delete(kind, some[:3])
        raise KeyboardInterrupt

    monkeypatch.setattr("clustering.deletion.bulk_delete", kill_halfway)
    with pytest.raises(KeyboardInterrupt):
        admin.delete(address(painted))
    monkeypatch.undo()

    run = painted.run()

    assert faces_of(painted) == ids
    assert run.stats["total_faces"] == 9
    report = admin.get(f"/verify-fixed-storage/{painted.name.path}").json()
    assert report["architecture_working"] is True


def test_vectors_and_crops_that_a_crash_left_without_a_face_go_too(painted, finished, admin):
    ids = faces_of(painted)
    Face.objects(id=ids[0]).delete()

    body = admin.delete(address(painted)).json()

    assert body["removed"]["mongodb"]["faces"] == 8
    assert body["removed"]["qdrant"]["vectors"] == 9
    assert leftovers(painted, ids) == {"vectors": 0, "crops": 0}


def test_what_is_left_is_said_and_the_collection_stays_to_be_purged_again(
    painted, finished, admin, monkeypatch
):
    monkeypatch.setattr(type(painted.crops), "delete", lambda *_: None)
    stuck = admin.delete(address(painted)).json()
    monkeypatch.undo()

    assert stuck["complete"] is False
    assert stuck["left"]["files"]["crops"] == 9
    assert admin.get(address(painted)).status_code == 200


def test_it_waits_for_no_run(painted, finished, admin):
    run = painted.start(full=True)

    answer = admin.delete(address(painted))

    assert (answer.status_code, answer.json()["code"]) == (409, "run_active")
    assert answer.json()["clustering_id"] == run.id
    assert len(faces_of(painted)) == 9


def test_answers_kept_for_repeated_requests_go_too(active_engine, admin, monkeypatch):
    monkeypatch.setattr("clustering.services.enqueue_run", lambda _: None)
    active_engine.paint("a.png", 1)
    started = admin.post(
        f"/cluster-bucket-with-db/{active_engine.name.path}", HTTP_IDEMPOTENCY_KEY="once"
    )
    active_engine.finish(type("Run", (), {"id": started.json()["clustering_id"]}))

    body = admin.delete(address(active_engine)).json()

    assert body["removed"]["login_database"]["kept_answers"] == 1
    assert not IdempotentRequest.objects.exists()


def test_only_admins_purge_and_an_unknown_collection_is_404(painted, finished, reviewer, admin):
    assert reviewer.delete(address(painted)).status_code == 403
    assert admin.delete("/api/v1/collections/nobody/knows/").status_code == 404
    assert admin.delete("/api/v1/collections/a%20b/c/").status_code == 422
    assert len(faces_of(painted)) == 9

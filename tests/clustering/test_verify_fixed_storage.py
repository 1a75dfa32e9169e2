"""GET and POST /verify-fixed-storage/{bucket}/{sub}."""

import pytest

from clustering.errors import CollectionBusy
from clustering.selectors import iter_collection_faces

pytestmark = pytest.mark.services


@pytest.fixture
def finished(active_engine):
    for number in range(3):
        active_engine.paint(f"p{number}.png", 1, shade=number)
    return active_engine.run()


def address(painted):
    return f"/verify-fixed-storage/{painted.name.bucket}/{painted.name.sub}"


def test_a_consistent_collection_says_so_in_the_fields_of_the_contract(
    active_engine, finished, viewer
):
    body = viewer.get(address(active_engine)).json()

    assert body["architecture_working"] is True
    assert body["clustering_id"] == finished.id
    assert body["mongodb_stats"] == {
        "total_metadata_entries": 3,
        "faces_with_embeddings": 3,
        "faces_without_embeddings": 0,
    }
    assert body["qdrant_stats"]["total_embeddings"] == 3
    assert body["qdrant_stats"]["cluster_distribution"] == {"cluster_0": 3}
    check = body["consistency_check"]
    assert check["total_consistency"] is True
    assert check["matching_face_ids"] == 3
    assert check["mongodb_only_ids"] == check["qdrant_only_ids"] == []


def test_reading_never_repairs_and_repairing_does(active_engine, finished, viewer, admin):
    lost = viewer.get(
        f"/cluster-details-db/{active_engine.name.bucket}/{active_engine.name.sub}/cluster_0"
    ).json()["face_ids"][0]
    active_engine.vectors.delete("painted-vectors", [lost])

    read = viewer.get(address(active_engine) + "?repair=true").json()
    repaired = admin.post(address(active_engine)).json()

    assert read["consistency_check"]["mongodb_only_ids"] == [lost]
    assert repaired["repair"]["faces_recomputed"] == 1
    assert repaired["architecture_working"] is True


def test_only_admins_repair(active_engine, finished, reviewer):
    assert reviewer.post(address(active_engine)).status_code == 403


def test_nothing_is_repaired_while_a_run_works(active_engine, finished, admin):
    run = active_engine.start(full=True)

    answer = admin.post(address(active_engine))

    assert answer.status_code == 409
    assert answer.json()["clustering_id"] == run.id


def test_an_older_run_is_not_compared_with_the_groups_that_readers_see(
    active_engine, finished, admin
):
    active_engine.paint("later.png", 2)
    newer = active_engine.run()
    older = f"{address(active_engine)}?clustering_id={finished.id}"

    read, repaired = admin.get(older).json(), admin.post(older).json()

    assert read["clustering_id"] == repaired["clustering_id"] == finished.id
    assert read["architecture_working"] is repaired["architecture_working"] is True
    stored = active_engine.vectors.iter_payloads(
        "painted-vectors", {"collection": active_engine.name.path}
    )
    assert {payload["run"] for batch in stored for _, payload in batch} == {newer.id}


def test_a_repair_keeps_runs_away_as_long_as_it_works(active_engine, finished, admin):
    lost = next(iter(iter_collection_faces(active_engine.name.path))).id
    active_engine.vectors.delete("painted-vectors", [lost])
    refused = []

    def start():
        with pytest.raises(CollectionBusy) as error:
            active_engine.start()
        refused.append(str(error.value))

    active_engine.engine.before_faces = start

    assert admin.post(address(active_engine)).json()["architecture_working"] is True
    assert len(refused) == 1
    assert "is being repaired" in refused[0]
    active_engine.engine.before_faces = lambda: None
    assert active_engine.run().state == "finished"

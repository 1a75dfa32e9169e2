"""GET and POST /verify-fixed-storage/{bucket}/{sub}."""

import pytest

from clustering.errors import CollectionBusy
from clustering.selectors import collection_faces

pytestmark = pytest.mark.services


@pytest.fixture
def finished(in_force):
    for number in range(3):
        in_force.paint(f"p{number}.png", 1, shade=number)
    return in_force.run()


def address(painted):
    return f"/verify-fixed-storage/{painted.name.bucket}/{painted.name.sub}"


def test_a_consistent_collection_says_so_in_the_fields_of_the_contract(in_force, finished, viewer):
    body = viewer.get(address(in_force)).json()

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


def test_reading_never_repairs_and_repairing_does(in_force, finished, viewer, admin):
    lost = viewer.get(
        f"/cluster-details-db/{in_force.name.bucket}/{in_force.name.sub}/cluster_0"
    ).json()["face_ids"][0]
    in_force.vectors.delete("painted-vectors", [lost])

    read = viewer.get(address(in_force) + "?repair=true").json()
    repaired = admin.post(address(in_force)).json()

    assert read["consistency_check"]["mongodb_only_ids"] == [lost]
    assert repaired["repair"]["faces_recomputed"] == 1
    assert repaired["architecture_working"] is True


def test_only_admins_repair(in_force, finished, reviewer):
    assert reviewer.post(address(in_force)).status_code == 403


def test_nothing_is_repaired_while_a_run_works(in_force, finished, admin):
    run = in_force.start(full=True)

    answer = admin.post(address(in_force))

    assert answer.status_code == 409
    assert answer.json()["clustering_id"] == run.id


def test_an_older_run_is_not_compared_with_the_groups_that_readers_see(in_force, finished, admin):
    in_force.paint("later.png", 2)
    newer = in_force.run()
    older = f"{address(in_force)}?clustering_id={finished.id}"

    read, repaired = admin.get(older).json(), admin.post(older).json()

    assert read["clustering_id"] == repaired["clustering_id"] == finished.id
    assert read["architecture_working"] is repaired["architecture_working"] is True
    stored = in_force.vectors.iter_payloads("painted-vectors", {"collection": in_force.name.path})
    assert {payload["run"] for batch in stored for _, payload in batch} == {newer.id}


def test_a_repair_keeps_runs_away_as_long_as_it_works(in_force, finished, admin):
    lost = next(iter(collection_faces(in_force.name.path))).id
    in_force.vectors.delete("painted-vectors", [lost])
    refused = []

    def start():
        with pytest.raises(CollectionBusy) as error:
            in_force.start()
        refused.append(str(error.value))

    in_force.engine.before_faces = start

    assert admin.post(address(in_force)).json()["architecture_working"] is True
    assert len(refused) == 1
    assert "is being repaired" in refused[0]
    in_force.engine.before_faces = lambda: None
    assert in_force.run().state == "finished"

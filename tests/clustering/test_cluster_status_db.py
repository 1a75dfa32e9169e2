"""GET /cluster-status-db/{bucket}/{sub}."""

import pytest

from clustering.documents import ClusterSizes
from clustering.selectors import get_run

pytestmark = pytest.mark.services


def address(painted):
    return f"/cluster-status-db/{painted.name.bucket}/{painted.name.sub}"


def test_a_working_run_tells_its_progress(painted, viewer):
    for number in range(4):
        painted.paint(f"p{number}.png", 1, shade=number)
    run = painted.start(batch_size=2)
    painted.advance(run)

    body = viewer.get(address(painted)).json()

    assert body["state"] == "working"
    assert body["clustering_id"] == run.id
    assert body["progress"] == {
        "listed": 4,
        "done": 0,
        "failed": 0,
        "faces": 0,
        "percent": 0.0,
        "eta_seconds": None,
    }


def test_a_finished_run_tells_its_clusters_and_numbers(painted, viewer):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.paint("alone.png", 2)
    run = painted.run()

    body = viewer.get(address(painted)).json()

    assert body["bucket_path"] == painted.name.path
    assert body["clustering_id"] == run.id
    assert (body["num_clusters"], body["total_images"], body["total_faces"]) == (1, 3, 3)
    assert body["noise_count"] == 1
    assert body["cluster_details"] == [{"cluster_id": "cluster_0", "size": 2, "face_count": 2}]
    assert body["qdrant_stats"] == {
        "total_embeddings": 3,
        "clusters_with_embeddings": 1,
        "noise_embeddings": 1,
    }
    assert body["processing_stats"]["storage_consistency"] is True
    assert body["progress"]["percent"] == 100.0


def test_a_failed_run_tells_why(painted, viewer):
    photo = painted.paint("a.png", 1)
    run = painted.start()
    painted.advance(run)
    photo.unlink()
    photo.mkdir()  # which no one can read as a file
    painted.finish(run)

    body = viewer.get(address(painted)).json()

    assert body["state"] == "failed"
    assert body["failure"]["code"] == "nothing_readable"


def test_an_earlier_run_can_be_named_and_an_unknown_one_is_404(painted, viewer):
    painted.paint("a.png", 1)
    first = painted.run()
    painted.paint("b.png", 1)
    painted.run()

    named = viewer.get(f"{address(painted)}?clustering_id={first.id}")
    unknown = viewer.get(f"{address(painted)}?clustering_id={'0' * 24}")
    nonsense = viewer.get(f"{address(painted)}?clustering_id=nonsense")

    assert named.json()["total_images"] == 1
    assert get_run(first.id).id == first.id
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_run")
    assert nonsense.status_code == 422


def test_a_collection_that_was_never_clustered_is_404(painted, viewer):
    answer = viewer.get(address(painted))

    assert (answer.status_code, answer.json()["code"]) == (404, "no_run")


def test_sizes_come_largest_first_from_the_kept_document_as_from_the_clusters(painted, viewer):
    for person, photos in ((1, 2), (2, 13), (3, 3)):
        for number in range(photos):
            painted.paint(f"{person}-{number}.png", person, shade=number)
    run = painted.run(eps=0.2)

    kept = viewer.get(address(painted)).json()["cluster_details"]
    ClusterSizes.objects(run=run.id).delete()
    read = viewer.get(address(painted)).json()["cluster_details"]

    assert [one["face_count"] for one in kept] == [13, 3, 2]
    assert read == kept

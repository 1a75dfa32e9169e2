"""POST /cluster-bucket-with-db/{bucket}/{sub}."""

import pytest
from django_q.models import OrmQ

from clustering.selectors import get_run

pytestmark = pytest.mark.services


def address(painted, sub=None):
    return f"/cluster-bucket-with-db/{painted.name.bucket}/{sub or painted.name.sub}"


def test_a_run_is_accepted_queued_and_named(active_engine, reviewer):
    active_engine.paint("a.png", 1)

    answer = reviewer.post(address(active_engine))

    assert answer.status_code == 202
    body = answer.json()
    assert body["bucket"] == active_engine.name.path
    assert body["state"] == "queued"
    assert len(body["clustering_id"]) == 24
    assert answer["Location"] == body["status_url"]
    assert reviewer.get(body["status_url"]).json()["clustering_id"] == body["clustering_id"]
    assert OrmQ.objects.count() == 1


def test_waiting_answers_with_the_result(active_engine, reviewer, monkeypatch):
    active_engine.paint("a.png", 1)
    active_engine.paint("b.png", 1, shade=1)
    active_engine.paint("alone.png", 2)
    # No worker runs in this test: the run is worked on when the request begins to wait.
    monkeypatch.setattr(
        "clustering.services.enqueue_run", lambda run_id: active_engine.finish(get_run(run_id))
    )

    answer = reviewer.post(address(active_engine) + "?wait=5")

    assert answer.status_code == 200
    body = answer.json()
    (cluster,) = body["clusters"]
    assert sorted(cluster) == [active_engine.key("a.png"), active_engine.key("b.png")]
    assert body["noise"] == [active_engine.key("alone.png")]
    assert body["timestamp"].endswith("Z")
    assert body["stats"].keys() >= {
        "total_images",
        "total_faces",
        "num_clusters",
        "noise_count",
        "avg_faces_per_image",
        "avg_cluster_size",
        "largest_cluster_size",
        "cluster_size_distribution",
        "clustering_id",
        "database_saved",
        "processing_time_seconds",
        "files_per_second",
        "mongodb_metadata_count",
        "qdrant_embeddings_count",
        "storage_consistency",
        "skipped",
    }


@pytest.mark.parametrize(
    "query",
    [
        "max_images=0",
        "max_images=many",
        "batch_size=51",
        "batch_size=0",
        "max_concurrent=21",
        "wait=-1",
        "wait=601",
        "wait=nan",
        "eps=-0.1",
        "eps=nan",
        "eps=inf",
        "min_samples=1",
        "min_samples=101",
        "algorithm=magic",
        "skip_quality_filter=perhaps",
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(active_engine, reviewer, query):
    active_engine.paint("a.png", 1)

    answer = reviewer.post(f"{address(active_engine)}?{query}")

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert query.split("=")[0] in answer.json()["errors"]
    assert OrmQ.objects.count() == 0


def test_an_empty_collection_and_a_missing_bucket_are_404(active_engine, reviewer):
    empty = reviewer.post(address(active_engine, "nothing-here"))
    missing = reviewer.post("/cluster-bucket-with-db/no-such-bucket/sub")

    assert (empty.status_code, empty.json()["code"]) == (404, "empty_collection")
    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_bucket")


def test_a_name_that_climbs_is_refused(active_engine, reviewer):
    answer = reviewer.post(f"/cluster-bucket-with-db/{active_engine.name.bucket}/a/%2e%2e/b")

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_name"


def test_a_second_run_at_once_is_409_and_names_the_first(active_engine, reviewer):
    active_engine.paint("a.png", 1)
    first = reviewer.post(address(active_engine)).json()

    second = reviewer.post(address(active_engine))

    assert second.status_code == 409
    assert second.json()["code"] == "run_active"
    assert second.json()["clustering_id"] == first["clustering_id"]


def test_viewers_and_strangers_may_not_start_runs(active_engine, viewer):
    from rest_framework.test import APIClient

    active_engine.paint("a.png", 1)

    refused = viewer.post(address(active_engine))
    stranger = APIClient().post(address(active_engine))

    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert stranger.status_code == 401
    assert "WWW-Authenticate" in stranger


def test_names_with_hyphens_dots_capitals_and_slashes_stay_apart(active_engine, reviewer):
    root = active_engine.folder.parent
    for sub, person in (("a-b/c", 1), ("a/b-c", 2), ("A.b_c", 3), (f"{root.name}/x", 4)):
        active_engine.name = type(active_engine.name)(active_engine.name.bucket, sub)
        active_engine.folder = root / sub
        active_engine.paint("p.png", person)
        answer = reviewer.post(address(active_engine))
        assert answer.status_code == 202, answer.json()
        run = active_engine.finish(get_run(answer.json()["clustering_id"]))
        assert run.collection == f"{root.name}/{sub}"
        assert run.stats["total_images"] == 1

"""The twelve routes of the original service, called in order by a plain client over HTTP."""

import shutil

import httpx
import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

KNOWN = ("Ariel_Sharon", "Colin_Powell", "Tony_Blair")


@pytest.fixture(scope="module")
def photos():
    """Return each known person's photos in order."""
    return {name: sorted((FACES / "lfw10" / name).iterdir()) for name in KNOWN}


@pytest.fixture(scope="module")
def client(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("routes")
    shutil.copytree(FACES / "lfw10", root / "buckets" / "press" / "user" / "lfw10")
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        headers = {"Authorization": f"Bearer {running.key()}"}
        with httpx.Client(base_url=running.address, headers=headers, timeout=120) as client:
            yield client


def test_the_twelve_operations_in_order(client, photos):
    enrol_and_improve(client, photos)
    run = cluster(client)
    by_centroid = assign(client, run, strategy="centroid")
    by_vote = assign(client, run, strategy="vote", overwrite="true")

    assert {one["user_id"] for one in by_centroid.values()} == set(KNOWN)
    assert {one["user_id"] for one in by_vote.values()} == set(KNOWN)
    read_assignments(client, run)
    erase(client, KNOWN[0], others=KNOWN[1:])


def enrol_and_improve(client, photos):
    for name in KNOWN:
        left = iter(photos[name])
        made = sent(left, lambda file, name=name: enrol(client, name, file))
        assert made.status_code == 201, made.text
        assert made.json().keys() >= {
            *("user_id", "has_face", "message", "face_quality", "confidence", "reason"),
            *("face_id", "bbox", "model"),
        }
        assert (made.json()["user_id"], made.json()["reason"]) == (name, None)
        assert 0 < made.json()["face_quality"] <= 1
        assert len(made.json()["bbox"]) == 4
        better = sent(left, lambda file, name=name: improve(client, name, file))
        assert better.status_code == 200, better.text
        assert better.json().keys() >= made.json().keys()
    read_profiles(client)


def enrol(client, name, file):
    return client.post("/detect-face", data={"user_id": name}, files={"file": file})


def improve(client, name, file):
    return client.put(f"/update-face/{name}", files={"file": file})


def sent(photos, send):
    """Send photos until one is accepted; some show several people and are rejected."""
    for photo in photos:
        with photo.open("rb") as file:
            answer = send(file)
        if answer.status_code != 422:
            return answer
        assert answer.json()["code"] == "several_faces", answer.text
    raise AssertionError("all photos were refused")


def read_profiles(client):
    assert client.get("/debug-quality-settings").json().keys() >= {
        *("default_min_face_size", "default_min_confidence", "default_blur_threshold"),
        *("description", "suggestions", "in_force"),
    }
    listed = client.get("/debug-profiles", params={"limit": 2}).json()
    assert (listed["total_profiles"], len(listed["profiles"])) == (3, 2)
    assert listed["profiles"][0].keys() >= {
        *("user_id", "name", "embedding_size", "model", "reference_photos", "confidence"),
        *("quality_score", "created_at", "updated_at", "has_bbox"),
    }
    assert listed["next"]
    one = client.get(f"/debug-profile/{KNOWN[0]}").json()
    assert one["user_id"] == KNOWN[0]


def cluster(client):
    done = client.post("/cluster-bucket-with-db/press/user/lfw10", params={"wait": 100})
    assert done.status_code == 200, done.text
    assert done.json().keys() >= {"bucket", "clusters", "noise", "timestamp", "stats"}
    assert done.json()["stats"].keys() >= {
        *("total_images", "total_faces", "num_clusters", "noise_count", "avg_faces_per_image"),
        *("avg_cluster_size", "largest_cluster_size", "cluster_size_distribution"),
        *("clustering_id", "database_saved", "processing_time_seconds", "files_per_second"),
        *("mongodb_metadata_count", "qdrant_embeddings_count", "storage_consistency", "skipped"),
    }
    run = done.json()["stats"]["clustering_id"]

    status = client.get("/cluster-status-db/press/user/lfw10").json()
    assert status.keys() >= {
        *("bucket_path", "clustering_id", "timestamp", "num_clusters", "total_images"),
        *("total_faces", "noise_count", "cluster_details", "processing_stats", "qdrant_stats"),
    }
    assert status["clustering_id"] == run

    details = client.get("/cluster-details-db/press/user/lfw10/cluster_0").json()
    assert details.keys() >= {
        *("clustering_id", "cluster_id", "bucket_path", "total_faces", "cluster_size", "faces"),
        *("image_paths", "face_ids", "embeddings_in_qdrant", "next"),
    }
    assert details["faces"][0].keys() >= {
        *("face_id", "image_path", "confidence", "quality_score", "bbox", "embedding_available"),
        *("embedding_size", "timestamp", "crop_url", "image_url", "verdict"),
    }

    verified = client.get("/verify-fixed-storage/press/user/lfw10").json()
    assert verified["architecture_working"] is True
    assert verified["consistency_check"].keys() >= {
        *("matching_face_ids", "mongodb_only", "qdrant_only", "total_consistency"),
        *("mongodb_only_ids", "qdrant_only_ids", "wrong_dimension", "wrong_model"),
        "missing_crops",
    }
    return run


def assign(client, run, **query):
    answer = client.post("/assignments/press/user/lfw10", params=query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body.keys() >= {
        *("clustering_id", "bucket_path", "threshold", "strategy", "dry_run", "total_clusters"),
        *("assigned_clusters", "unassigned_clusters", "assignments", "unassigned_cluster_ids"),
        *("unassigned_reasons", "saved_to_db", "kept", "timestamp"),
    }
    assert (body["clustering_id"], body["strategy"]) == (run, query["strategy"])
    some = next(iter(body["assignments"].values()))
    assert some.keys() >= {
        *("user_id", "similarity", "face_count", "image_paths", "face_ids", "runner_up"),
    }
    return body["assignments"]


def read_assignments(client, run):
    listed = client.get("/assignments/press/user/lfw10").json()
    assert listed["total_assignments"] == len(listed["assignments"]) >= len(KNOWN)
    assert listed["assignments"][0].keys() >= {
        *("id", "cluster_id", "user_id", "similarity", "strategy", "face_count", "decided_by"),
        *("state", "created_at"),
    }

    of_one = client.get(f"/assignments/user/{KNOWN[1]}").json()
    assert of_one.keys() >= {
        *("user_id", "total_clusters", "total_faces", "average_similarity", "bucket_breakdown"),
        *("assignments", "next"),
    }
    assert list(of_one["bucket_breakdown"]) == ["press/user/lfw10"]
    assert client.get("/assignments/user/nobody").json()["code"] == "no_such_profile"
    assert client.get("/assignments/clustering/lfw10").status_code in (404, 405)

    removed = client.delete(f"/assignments/clustering/{run}").json()
    assert removed == {"clustering_id": run, "deleted_count": listed["total_assignments"]}
    assert client.get("/assignments/press/user/lfw10").json()["total_assignments"] == 0


def erase(client, user_id, *, others):
    receipt = client.delete(f"/debug-profile/{user_id}")

    assert receipt.status_code == 200, receipt.text
    assert client.get(f"/debug-profile/{user_id}").status_code == 404
    left = client.get("/debug-profiles").json()["profiles"]
    assert {one["user_id"] for one in left} == set(others)

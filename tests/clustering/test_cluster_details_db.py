"""GET /cluster-details-db/{bucket}/{sub}/{cluster_id}."""

import pytest

pytestmark = pytest.mark.services


@pytest.fixture
def finished(painted):
    for number in range(5):
        painted.paint(f"p{number}.png", 1, shade=number)
    painted.paint("alone.png", 2)
    return painted.run()


def address(painted, cluster):
    return f"/cluster-details-db/{painted.name.bucket}/{painted.name.sub}/{cluster}"


def test_a_cluster_shows_its_faces(painted, finished, viewer):
    body = viewer.get(address(painted, "cluster_0")).json()

    assert body["clustering_id"] == finished.id
    assert body["cluster_id"] == "cluster_0"
    assert (body["total_faces"], body["cluster_size"]) == (5, 5)
    assert len(body["faces"]) == len(body["face_ids"]) == len(body["image_paths"]) == 5
    assert body["embeddings_in_qdrant"] == 5
    assert body["next"] is None
    face = body["faces"][0]
    assert face.keys() >= {
        "face_id",
        "image_path",
        "confidence",
        "quality_score",
        "bbox",
        "embedding_available",
        "embedding_size",
        "timestamp",
        "crop_url",
        "image_url",
        "verdict",
    }
    assert face["embedding_size"] == 32
    assert face["verdict"] == "kept"


def test_pages_follow_one_another_and_miss_nothing(painted, finished, viewer):
    first = viewer.get(address(painted, "cluster_0") + "?limit=2").json()
    second = viewer.get(address(painted, "cluster_0"), {"limit": 2, "cursor": first["next"]}).json()
    third = viewer.get(address(painted, "cluster_0"), {"limit": 2, "cursor": second["next"]}).json()

    assert third["next"] is None
    ids = first["face_ids"] + second["face_ids"] + third["face_ids"]
    assert len(ids) == len(set(ids)) == 5


def test_noise_is_addressable_and_so_is_an_empty_one(painted, finished, viewer):
    noise = viewer.get(address(painted, "noise")).json()
    (painted.folder / "alone.png").unlink()
    painted.run()
    empty = viewer.get(address(painted, "noise"))

    assert noise["image_paths"] == [painted.key("alone.png")]
    assert empty.status_code == 200
    assert empty.json()["faces"] == []


@pytest.mark.parametrize("cluster", ["cluster_99", "cluster_x", "nonsense", "cluster_-1"])
def test_an_unknown_cluster_is_404(painted, finished, viewer, cluster):
    answer = viewer.get(address(painted, cluster))

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_cluster")


@pytest.mark.parametrize("cursor", ["nonsense", "AAAA", "Zm9yZWlnbi9saXN0"])
def test_a_cursor_of_another_list_is_400(painted, finished, viewer, cursor):
    answer = viewer.get(address(painted, "cluster_0"), {"cursor": cursor})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


def test_crop_and_image_come_from_us_with_validators(painted, finished, viewer):
    face = viewer.get(address(painted, "cluster_0")).json()["faces"][0]

    crop = viewer.get(face["crop_url"])
    image = viewer.get(face["image_url"])
    again = viewer.get(face["crop_url"], HTTP_IF_NONE_MATCH=crop["ETag"])

    assert crop["Content-Type"] == "image/jpeg"
    assert image["Content-Type"] == "image/png"
    assert image.content == (painted.folder / face["image_path"].rpartition("/")[2]).read_bytes()
    assert again.status_code == 304
    assert image["X-Content-Type-Options"] == "nosniff"


def test_a_crop_is_a_crop_whatever_the_client_accepts(painted, finished, viewer):
    face = viewer.get(address(painted, "cluster_0")).json()["faces"][0]

    answer = viewer.get(face["crop_url"], HTTP_ACCEPT="image/jpeg")

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


def test_an_unknown_face_is_404_and_a_stranger_learns_nothing(painted, finished, viewer, client):
    unknown = viewer.get("/api/v1/faces/00000000-0000-5000-8000-000000000000/crop/")
    stranger = client.get("/api/v1/faces/00000000-0000-5000-8000-000000000000/crop/")

    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_such_face")
    assert stranger.status_code == 401

"""GET /api/v1/faces/{face_id}/ and its preview."""

import io

import pytest
from PIL import Image as PillowImage

from clustering.documents import Image
from clustering.selectors import iter_collection_faces

pytestmark = pytest.mark.services


@pytest.fixture
def face(painted):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.run()
    return next(iter(iter_collection_faces(painted.name.path)))


def test_a_face_tells_its_photo_quality_and_cluster(painted, face, viewer):
    body = viewer.get(f"/api/v1/faces/{face.id}/").json()

    assert body["image_path"] == face.key
    assert body["image"] == {
        "width": 32,
        "height": 8,
        "size": len((painted.folder / face.key.rpartition("/")[2]).read_bytes()),
        "format": "PNG",
        "taken": None,
        "faces": 1,
    }
    assert body["bbox"] == [0.0, 0.0, 1.0, 1.0]
    assert [len(point) for point in body["landmarks"]] == [2] * 5
    assert body["quality"] == {"score": 0.8, "size": 100.0, "blur": 200.0, "pose": 1.0}
    assert (body["verdict"], body["reason"]) == ("kept", None)
    assert body["cluster"]["cluster_id"] == "cluster_0"
    details = viewer.get(body["cluster"]["cluster_url"]).json()
    assert face.id in details["face_ids"]
    for url in ("crop_url", "image_url", "preview_url"):
        assert viewer.get(body[url]).status_code == 200


def test_a_face_whose_photo_left_says_so(face, viewer):
    Image.objects(id=face.image).delete()

    body = viewer.get(f"/api/v1/faces/{face.id}/").json()
    preview = viewer.get(body["preview_url"])

    assert body["image"] is None
    assert (preview.status_code, preview.json()["code"]) == (404, "no_such_face")


def test_a_preview_is_a_jpeg_with_validators_whatever_the_client_accepts(face, viewer):
    first = viewer.get(f"/api/v1/faces/{face.id}/preview/", HTTP_ACCEPT="image/webp")
    again = viewer.get(f"/api/v1/faces/{face.id}/preview/", HTTP_IF_NONE_MATCH=first["ETag"])

    assert (first.status_code, first["Content-Type"]) == (200, "image/jpeg")
    shown = PillowImage.open(io.BytesIO(first.content))
    assert (shown.format, shown.size) == ("JPEG", (32, 8))
    assert first["X-Content-Type-Options"] == "nosniff"
    assert (again.status_code, again.content) == (304, b"")


def test_a_preview_of_a_photo_that_is_gone_or_broken_is_refused(painted, face, viewer):
    photo = painted.folder / face.key.rpartition("/")[2]
    photo.write_bytes(b"no photo")
    broken = viewer.get(f"/api/v1/faces/{face.id}/preview/")
    photo.unlink()
    gone = viewer.get(f"/api/v1/faces/{face.id}/preview/")

    assert (broken.status_code, broken.json()["code"]) == (415, "not_an_image")
    assert gone.status_code == 404


@pytest.mark.parametrize("face_id", ["nonsense", "%00", "x" * 500, "..", "ä"])
@pytest.mark.parametrize("part", ["", "crop/", "image/", "preview/"])
def test_an_unknown_face_is_404(stores, viewer, face_id, part):
    answer = viewer.get(f"/api/v1/faces/{face_id}/{part}")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_face")


def test_a_stranger_sees_no_face(face, client):
    assert client.get(f"/api/v1/faces/{face.id}/").status_code == 401
    assert client.get(f"/api/v1/faces/{face.id}/preview/").status_code == 401

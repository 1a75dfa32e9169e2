"""Similar names: collections and people are never mixed up."""

import shutil
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote

import httpx
import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

# Person's id (two differ only in case, one begins another) and their folder of labelled photos.
PEOPLE = {
    "Ada": "Ariel_Sharon",
    "ada": "Colin_Powell",
    "a-b": "George_W_Bush",
    "a_b": "Vladimir_Putin",
    "user": "Hugo_Chavez",
    "ad": "Gerhard_Schroeder",
}
PHOTOS_EACH = 4
OWNER = "owner.txt"  # beside the photos, which is none
COLLECTIONS = (
    ("a-b", "c"),
    ("a", "b-c"),
    ("a_b", "c"),
    ("a.b", "c"),
    ("a", "b_c"),
    ("a", "b.c"),
    ("a", "b/c"),
    ("photos", "photos"),
    ("photos", "photos/photos"),
    ("press", "autumn"),
    ("press", "Autumn"),
    ("Press", "autumn"),
    ("press", "autumn 2024"),
    ("press", "a+b%20c&d=e?f#g"),
    ("press", unicodedata.normalize("NFC", "été/Zoë")),
    ("press", unicodedata.normalize("NFD", "été/Zoë")),
    ("press", "会议-2024_v1.2"),
    ("press", "x"),
    ("press", "x/cluster_0"),
    ("press", "x/noise/1"),
    ("user", "ada"),
    ("user", "ada/Ada"),
    ("clustering", "autumn"),
)
RESERVED = ("user", "clustering")  # as buckets, whose assignments are read by their run


@dataclass(frozen=True)
class Made:
    """A collection, what lies in it, and the run over it."""

    bucket: str
    sub: str
    keys: frozenset[str]
    people: frozenset[str]
    run: str

    @property
    def path(self):
        return f"{self.bucket}/{self.sub}"

    @property
    def url(self):
        return quote(self.path, safe="/")


@pytest.fixture(scope="module")
def buckets(tmp_path_factory):
    """Lay each collection's photos, of one person, under the same names in all."""
    root = tmp_path_factory.mktemp("names") / "buckets"
    people = cycle(PEOPLE.items())
    for number, (bucket, sub) in enumerate(COLLECTIONS):
        user_id, folder = next(people)
        target = root / bucket / sub
        target.mkdir(parents=True, exist_ok=True)
        photos = sorted((FACES / "lfw10" / folder).iterdir())
        for turn in range(PHOTOS_EACH):
            photo = photos[(number + turn) % len(photos)]
            shutil.copy(photo, target / f"{turn}.jpg")
        (target / OWNER).write_text(user_id)
    return root


@pytest.fixture(scope="module")
def client(buckets, model_files):
    settings = {"BUCKETS_ROOT": buckets, "FACEADMIN_MODELS": model_files}
    with Product(buckets.parent, **settings).up() as running:
        headers = {"Authorization": f"Bearer {running.key()}"}
        with httpx.Client(base_url=running.address, headers=headers, timeout=120) as client:
            for user_id, folder in PEOPLE.items():
                enrol(client, user_id, folder)
            yield client


def enrol(client, user_id, folder):
    for photo in sorted((FACES / "lfw10" / folder).iterdir()):
        answer = client.post(
            "/detect-face", data={"user_id": user_id}, files={"file": photo.open("rb")}
        )
        if answer.status_code == 201:
            return
        assert answer.json()["code"] == "several_faces", answer.text
    raise AssertionError(f"no photo of {folder} was taken")


@pytest.fixture(scope="module")
def made(client, buckets):
    """Run every collection, several at a time."""
    with ThreadPoolExecutor(4) as callers:
        return list(callers.map(lambda name: clustered(client, buckets, *name), COLLECTIONS))


def clustered(client, buckets, bucket, sub):
    files = list((buckets / bucket / sub).rglob("*.jpg"))
    keys = frozenset(str(one.relative_to(buckets / bucket)) for one in files)
    path = quote(f"{bucket}/{sub}", safe="/")
    done = client.post(f"/cluster-bucket-with-db/{path}", params={"wait": 120})
    assert done.status_code == 200, (bucket, sub, done.text)
    body = done.json()
    assert body["bucket"] == f"{bucket}/{sub}"
    assert body["stats"]["total_images"] == len(keys), (bucket, sub)
    assert keys_of(body) == keys
    people = frozenset((one.parent / OWNER).read_text() for one in files)
    return Made(bucket, sub, keys, people, body["stats"]["clustering_id"])


def keys_of(body):
    return frozenset(key for cluster in [*body["clusters"], body["noise"]] for key in cluster)


def test_each_collection_has_a_run_of_its_own(made):
    assert len({one.run for one in made}) == len(COLLECTIONS)


def test_status_is_the_collections_own(client, made):
    for one in made:
        status = client.get(f"/cluster-status-db/{one.url}").json()

        assert (status["bucket_path"], status["clustering_id"]) == (one.path, one.run)
        assert status["total_images"] == len(one.keys)


def test_details_show_the_collections_own_photos_and_no_faces_mix(client, buckets, made):
    owners = {}
    for one in made:
        faces = list(faces_of(client, one))

        assert {face["image_path"] for face in faces} == one.keys
        for face in faces:
            assert owners.setdefault(face["face_id"], one) is one
            of_face = client.get(f"/api/v1/faces/{face['face_id']}/").json()
            assert (of_face["bucket_path"], of_face["image_path"]) == (one.path, face["image_path"])
            image, crop = client.get(face["image_url"]), client.get(face["crop_url"])
            assert image.content == (buckets / one.bucket / face["image_path"]).read_bytes()
            assert crop.status_code == 200


def faces_of(client, one):
    status = client.get(f"/cluster-status-db/{one.url}").json()
    for cluster in [*(row["cluster_id"] for row in status["cluster_details"]), "noise"]:
        details = client.get(f"/cluster-details-db/{one.url}/{cluster}").json()
        assert (details["bucket_path"], details["clustering_id"]) == (one.path, one.run)
        assert details["cluster_id"] == cluster
        yield from details["faces"]


def test_collections_are_listed_each_under_its_own_name(client, made):
    listed = {one["path"]: one for one in client.get("/api/v1/collections/").json()["collections"]}

    assert listed.keys() == {one.path for one in made}
    for one in made:
        detail = client.get(f"/api/v1/collections/{one.url}/").json()
        assert (detail["path"], detail["bucket"], detail["sub"]) == (one.path, one.bucket, one.sub)
        assert detail["total_images"] == listed[one.path]["total_images"] == len(one.keys)
        assert [run["clustering_id"] for run in detail["runs"]] == [one.run]


def test_the_stores_agree_about_each(client, made):
    for one in made:
        verified = client.get(f"/verify-fixed-storage/{one.url}").json()

        assert (verified["bucket_path"], verified["clustering_id"]) == (one.path, one.run)
        assert verified["architecture_working"] is True, verified
        assert verified["mongodb_stats"]["total_metadata_entries"] >= len(one.keys)


@pytest.fixture(scope="module")
def assigned(client, made):
    """Assign every collection, by the route that serves it."""
    answers = {}
    for one in made:
        answer = client.post(assignments_url(one), params={"strategy": "centroid"})
        assert answer.status_code == 200, (one, answer.text)
        answers[one] = answer.json()
    return answers


def assignments_url(one):
    if one.bucket in RESERVED:
        return f"/api/v1/runs/{one.run}/assignments/"
    return f"/assignments/{one.url}"


def test_assignments_are_about_the_collections_own_people(client, assigned):
    for one, answer in assigned.items():
        listed = client.get(assignments_url(one)).json()

        assert answer["bucket_path"] == listed["bucket_path"] == one.path
        assert answer["clustering_id"] == listed["clustering_id"] == one.run
        assert {row["user_id"] for row in answer["assignments"].values()} == one.people
        assert {row["user_id"] for row in listed["assignments"]} == one.people
        for row in answer["assignments"].values():
            assert set(row["image_paths"]) <= one.keys


def test_a_person_is_found_in_the_right_collections(client, assigned):
    for user_id in PEOPLE:
        of_one = client.get(f"/assignments/user/{user_id}").json()

        theirs = {one.path for one in assigned if user_id in one.people}
        assert of_one["user_id"] == user_id
        assert set(of_one["bucket_breakdown"]) == theirs
        assert {row["bucket_path"] for row in of_one["assignments"]} == theirs


def test_addresses_of_people_and_runs_come_before_collections_of_those_names(client, assigned):
    of_person = client.get("/assignments/user/ada").json()
    below = client.get("/assignments/user/ada/Ada")

    assert of_person["user_id"] == "ada"
    assert "total_assignments" not in of_person
    assert (below.status_code, below.json()["code"]) == (422, "invalid_name")
    assert "/api/v1/runs/" in below.json()["detail"]
    for path in ("user/ada", "clustering/autumn"):
        assert client.get(f"/assignments/{path}").json().get("bucket_path") is None
        assert client.post(f"/assignments/{path}").status_code in (404, 405)
    assert client.delete("/assignments/clustering/autumn").status_code == 404


def test_an_unused_name_has_no_results(client, made):
    for path in ("a/b", "A-b/c", "a-b/C", "photos", "press/autumn%202025", "press/x/noise"):
        for route in ("cluster-status-db", "verify-fixed-storage"):
            answer = client.get(f"/{route}/{path}")
            assert answer.status_code == 404, (path, answer.text)


def test_an_escaped_slash_is_a_slash(client, made):
    with_slash = client.get("/cluster-status-db/a/b%2Fc").json()

    assert with_slash["bucket_path"] == "a/b/c"


@pytest.mark.parametrize("sub", ["../a-b/c", "x/%2E%2E/autumn", "x//cluster_0", "x\\cluster_0"])
def test_a_name_that_climbs_is_refused(client, made, sub):
    answer = client.get(f"/cluster-status-db/press/{sub.replace('..', '%2E%2E')}")

    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.json()["code"]


def test_erasing_ada_leaves_Ada_whole(client, assigned):
    kept, gone = (client.get(f"/debug-profile/{one}").json() for one in ("Ada", "ada"))
    [kept_photo], [gone_photo] = (theirs["photos"] for theirs in (kept, gone))
    kept_crop, gone_crop = (client.get(one["crop_url"]) for one in (kept_photo, gone_photo))
    assert kept_crop.status_code == gone_crop.status_code == 200
    assert kept_crop.content != gone_crop.content
    before = client.get("/assignments/user/Ada").json()

    receipt = client.delete("/debug-profile/ada")

    assert receipt.status_code == 200, receipt.text
    assert client.get("/debug-profile/ada").status_code == 404
    assert client.get("/assignments/user/ada").status_code == 404
    assert client.get(gone_photo["crop_url"]).status_code == 404
    assert client.get("/debug-profile/Ada").json() == kept
    assert client.get("/assignments/user/Ada").json() == before
    assert client.get(kept_photo["crop_url"]).content == kept_crop.content
    listed = client.get("/debug-profiles").json()["profiles"]
    assert {one["user_id"] for one in listed} == PEOPLE.keys() - {"ada"}

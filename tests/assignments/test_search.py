"""POST /api/v1/search/: who is in a photo."""

import uuid

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from assignments import search_clusters
from clustering.documents import Collection
from clustering.selectors import cluster_get, members_all
from profiles import selectors
from profiles.services import profile_hide
from storage.vectors import face_vectors
from tests.clustering.conftest import Painted
from tests.clustering.deciding import Reviewed
from tests.clustering.painted import DIMENSION, person_vector
from tests.profiles.conftest import People
from tests.profiles.painted import PeopleEngine, photo_of

pytestmark = pytest.mark.services

ADDRESS = "/api/v1/search/"
SHADE = 77  # of photos that are searched with: none that is stored has it


@pytest.fixture
def engine(monkeypatch):
    """An engine whose vectors lie beside nobody else's."""
    engine = PeopleEngine(f"search-{uuid.uuid4().hex[:12]}")
    monkeypatch.setattr("assignments.api.search.get_engine", lambda _: engine)
    return engine


@pytest.fixture
def people(stores, settings, tmp_path, engine):
    folder = tmp_path / "references"
    references = {"BACKEND": "storage.crops.CropFolder", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "references": references}
    people = People((folder, tmp_path / "crops"))
    people.engine = engine
    return people


@pytest.fixture
def paint(people, settings, engine):
    """Paint a collection and cluster it: photos as lists of people."""

    def paint(*photos, **kind):
        painted = Painted(settings.BUCKETS_ROOT)
        painted.engine = engine
        painted.vectors.ensure(engine.embedder_id, DIMENSION)
        for number, present in enumerate(photos):
            painted.paint(f"p{number}.png", *present, shade=number, **kind)
        painted.run()
        return painted

    return paint


@pytest.fixture
def post(people, viewer, send):
    def post(photo=None, client=viewer, **fields):
        return send(client, "post", ADDRESS, photo, **fields)

    return post


@pytest.fixture
def send():
    def send(client, method, address, photo=None, **fields):
        if photo is not None:
            fields["file"] = SimpleUploadedFile("photo.png", photo, "image/png")
        return getattr(client, method)(address, fields, format="multipart")

    return send


@pytest.fixture
def search(post):
    """Search with a photo of some people; return what was found of each face."""

    def search(*present, blurred=(), **fields):
        answer = post(photo_of(*present, blurred=blurred, shade=SHADE), **fields)
        assert answer.status_code == 200, answer.content
        return answer.json()["faces"]

    return search


def test_all_there_is_to_say_of_a_face_is_said(people, paint, post):
    people.enrol("ada", 1, name="Ada")
    painted = paint([1], [1])
    [run] = painted.runs()

    body = post(photo_of(1, shade=SHADE)).json()

    [face] = body["faces"]
    [person], [cluster] = face["profiles"], face["clusters"]
    assert body["image"] == {"width": 32, "height": 8}
    assert body["embedder"] == people.engine.embedder_id
    assert body["not_compared"] == {"profiles": 0, "collections": 0}
    assert face["face"] == {
        "bbox": [10.0, 5.0, 100.0, 120.5],
        "confidence": 0.9,
        "quality": {"score": 0.5 + (255 - SHADE) % 50 / 100, "size": 100.0, "blur": 200.0}
        | {"pose": 1.0},
        "checks": [
            "Size OK: 120x100 >= 30",
            "Confidence OK: 0.90 >= 0.4",
            "Sharpness OK: 200.00 >= 50",
        ],
        "used": True,
        "reason": None,
    }
    assert (person["user_id"], person["name"]) == ("ada", "Ada")
    assert 0.99 < person["similarity"] == person["photo"]["similarity"] <= 1
    assert person["photo"]["face_id"] == selectors.profile_get("ada").references[0]
    assert person["margin"] is None
    assert cluster["face_id"] in {member.face for member in members_all(run)}
    assert 0.99 < cluster.pop("similarity") <= 1
    assert cluster.pop("face_id")
    assert cluster == {
        "bucket_path": painted.name.path,
        "clustering_id": run.id,
        "cluster_id": "cluster_0",
        "face_count": 2,
        "user_id": None,
    }


def test_two_people_in_a_photo_are_found_each(people, paint, search):
    people.enrol("ada", 1)
    people.enrol("bob", 2)
    painted = paint([1], [1], [1], [2], [2])
    [run] = painted.runs()

    found = search(2, 1)

    assert [one["profiles"][0]["user_id"] for one in found] == ["bob", "ada"]
    assert [one["clusters"][0]["cluster_id"] for one in found] == ["cluster_1", "cluster_0"]
    assert [one["clusters"][0]["face_count"] for one in found] == [2, 3]
    label_of = {member.face: member.cluster for member in members_all(run)}
    for one in found:
        for cluster in one["clusters"]:
            assert label_of[cluster["face_id"]] == cluster["cluster_id"]


def test_people_are_distinct_and_the_most_similar_first(people, search):
    for number in range(1, 5):
        people.enrol(f"p{number}", number)
        people.update(f"p{number}", number, shade=number)

    [face] = search(3)
    [short] = search(3, limit=2)

    similarities = [one["similarity"] for one in face["profiles"]]
    assert face["profiles"][0]["user_id"] == "p3"
    assert {one["user_id"] for one in face["profiles"]} == {"p1", "p2", "p3", "p4"}
    assert len(similarities) == 4
    assert similarities == sorted(similarities, reverse=True)
    assert short["profiles"] == face["profiles"][:2]


def test_the_margin_is_the_distance_to_the_next_person_below(people, search):
    for number in range(1, 4):
        people.enrol(f"p{number}", number)

    [face] = search(2)
    [first] = search(2, limit=1)

    one, two, three = face["profiles"]
    assert one["margin"] == pytest.approx(one["similarity"] - two["similarity"], abs=2e-6)
    assert two["margin"] == pytest.approx(two["similarity"] - three["similarity"], abs=2e-6)
    assert three["margin"] is None
    assert first["profiles"][0]["margin"] == one["margin"]


@pytest.mark.parametrize("shade", [0, 1, 2])
def test_the_photo_is_the_one_most_like_the_face(people, post, shade):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=1)
    people.update("ada", 1, shade=2)
    people.enrol("bob", 2)

    answer = post(photo_of(2, 1, shade=shade))
    alone = post(photo_of(1, shade=shade))

    photos = selectors.profile_get("ada").references
    [person, *_] = alone.json()["faces"][0]["profiles"]
    assert person["photo"] == {"face_id": photos[shade], "similarity": pytest.approx(1)}
    assert person["photo"]["similarity"] > person["similarity"]
    bob, ada = answer.json()["faces"]
    assert bob["profiles"][0]["photo"]["face_id"] == selectors.profile_get("bob").references[0]
    assert ada["profiles"][0]["photo"]["face_id"] in photos


def test_whoever_is_being_erased_is_not_found(people, search):
    people.enrol("ada", 1)
    people.enrol("bob", 2)
    profile_hide("ada")

    [face] = search(1)

    assert [one["user_id"] for one in face["profiles"]] == ["bob"]


def test_clusters_are_found_in_all_collections_or_in_one(paint, search):
    first, second = paint([1], [1]), paint([1], [1], [1])

    [everywhere] = search(1)
    [here] = search(1, collection=second.name.path)
    [slash] = search(1, collection=f"{second.name.path}/")

    paths = sorted(one["bucket_path"] for one in everywhere["clusters"])
    assert paths == sorted([first.name.path, second.name.path])
    assert [one["bucket_path"] for one in here["clusters"]] == [second.name.path]
    assert slash["clusters"] == here["clusters"]


@pytest.mark.parametrize("shade", [0, 1, 2])
def test_a_cluster_is_found_by_its_face_that_is_most_like(paint, post, shade):
    painted = paint([1], [1], [1])
    [run] = painted.runs()

    [face] = post(photo_of(1, shade=shade)).json()["faces"]

    key_of = {member.face: member.key for member in members_all(run)}
    [cluster] = face["clusters"]
    assert key_of[cluster["face_id"]] == painted.key(f"p{shade}.png")
    assert cluster["similarity"] == pytest.approx(1)


def test_each_face_of_the_noise_is_found_alone(paint, search):
    painted = paint([1], [1], [2], [3])
    [run] = painted.runs()
    assert cluster_get(run, "noise").face_count == 2

    [face] = search(2)

    best, *others = face["clusters"]
    assert (best["cluster_id"], best["face_count"], best["user_id"]) == ("noise", 1, None)
    assert sorted(one["cluster_id"] for one in others) == ["cluster_0", "noise"]
    assert len({one["face_id"] for one in face["clusters"]}) == 3


def test_more_is_looked_at_until_enough_clusters_are_found(paint, search, monkeypatch):
    monkeypatch.setattr(search_clusters, "HITS_PER_CLUSTER", 1)
    paint(*[[1]] * 9, [2], [2])

    [face] = search(1, limit=2)

    assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0", "cluster_1"]


def test_the_look_ends_at_the_most_hits_there_may_be(paint, search, monkeypatch):
    monkeypatch.setattr(search_clusters, "HITS_PER_CLUSTER", 1)
    monkeypatch.setattr(search_clusters, "MAX_HITS", 9)
    paint(*[[1]] * 9, [2], [2])

    [face] = search(1, limit=2)

    assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0"]


def test_the_limit_counts_clusters(paint, search):
    paint([1, 2, 3], [1, 2, 3])

    assert [len(search(1, limit=n)[0]["clusters"]) for n in (1, 2, 20)] == [1, 2, 3]
    assert [one["cluster_id"] for one in search(1, limit=1)[0]["clusters"]] == [
        one["cluster_id"] for one in search(1)[0]["clusters"]
    ][:1]


def test_a_poor_face_in_the_photo_is_listed_with_the_reason_and_not_searched(people, paint, search):
    people.enrol("ada", 1)
    people.enrol("bob", 2)
    paint([1], [1], [2], [2])

    poor, good = search(1, 2, blurred=(1,))

    assert (poor["face"]["used"], poor["face"]["reason"]) == (False, "too_blurry")
    assert "Too blurry: 10.00 < 50" in poor["face"]["checks"]
    assert (poor["profiles"], poor["clusters"]) == ([], [])
    assert (good["face"]["used"], good["face"]["reason"]) == (True, None)
    assert good["profiles"][0]["user_id"] == "bob"
    assert good["clusters"][0]["cluster_id"] in {"cluster_0", "cluster_1"}


def test_a_stored_face_that_was_refused_is_not_found(paint, search):
    painted = paint([1, 2], [1, 2], blurred=(2,))
    [run] = painted.runs()

    [face] = search(2)

    taking_part = {member.face for member in members_all(run)}
    assert len(taking_part) == 2
    assert {one["face_id"] for one in face["clusters"]} <= taking_part
    assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0"]


def test_a_poor_face_that_takes_part_all_the_same_is_found(paint, search):
    painted = paint([1, 2], [1, 2], blurred=(2,))
    painted.run(skip_quality_filter=True)

    [face] = search(2)

    assert len(face["clusters"]) == 2
    assert face["clusters"][0]["similarity"] > 0.99


@pytest.mark.parametrize("kind", ["not_a_face", "ignore"])
def test_a_face_that_a_person_took_out_is_not_found(paint, search, kind):
    painted = paint([1], [1], [2])
    reviewed = Reviewed(painted)
    out = reviewed.face("p2.png")
    assert out in {one["face_id"] for one in search(2)[0]["clusters"]}

    reviewed.decide(kind, faces=[out])
    at_once = search(2, limit=1)
    painted.vectors.set_payload(painted.engine.embedder_id, [out], {"verdict": "kept"})
    with_an_old_copy = search(2, limit=1)

    for [face] in (at_once, with_an_old_copy):
        assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0"]


def test_faces_are_found_where_the_newest_run_has_them(paint, search):
    painted = paint([1], [1])
    painted.paint("p8.png", 2, shade=8)
    painted.paint("p9.png", 2, shade=9)
    (painted.folder / "p0.png").unlink()
    newest = painted.run()

    [face] = search(1)
    [other] = search(2)

    found = {one["face_id"] for one in [*face["clusters"], *other["clusters"]]}
    assert found <= {member.face for member in members_all(newest)}
    assert {one["clustering_id"] for one in face["clusters"]} == {newest.id}
    assert face["clusters"][0]["cluster_id"] == "noise"
    assert other["clusters"][0]["face_count"] == 2


def test_what_only_an_old_run_had_is_not_found(paint, search):
    painted = paint([1], [1])
    left = str(uuid.uuid4())
    [old] = painted.runs()
    painted.vectors.upsert(
        old.embedder,
        [left],
        np.stack([person_vector(1, variation=SHADE)]),
        [
            {"collection": painted.name.path, "run": old.id, "cluster": "cluster_0"}
            | {"key": "p0.png", "verdict": "kept"}
        ],
    )
    newest = painted.run(eps=0.2)

    [face] = search(1)

    [cluster] = face["clusters"]
    assert cluster["clustering_id"] == newest.id
    assert cluster["face_id"] != left


def test_a_run_that_equals_the_one_before_is_named_itself(paint, search):
    painted = paint([1], [1])
    same = painted.run()
    assert same.groups_of

    [face] = search(1)

    assert [one["clustering_id"] for one in face["clusters"]] == [same.id]


def test_clusters_are_found_while_the_vectors_still_name_the_run_before(paint, search):
    painted = paint([1], [1])
    [run] = painted.runs()
    faces = [member.face for member in members_all(run)]
    face_vectors().set_payload(run.embedder, faces, {"run": "0" * 24, "cluster": "cluster_7"})

    [face] = search(1)

    assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0"]


def test_a_collection_that_nobody_sees_yet_takes_no_hits(paint, search, monkeypatch):
    monkeypatch.setattr(search_clusters, "HITS_PER_CLUSTER", 1)
    monkeypatch.setattr(search_clusters, "MAX_HITS", 2)
    seen, unseen = paint([2], [2]), paint(*[[1]] * 5)
    Collection.objects(path=unseen.name.path).update_one(set__current_run="")

    [face] = search(1, limit=2)
    [there] = search(1, collection=unseen.name.path)

    assert [one["bucket_path"] for one in face["clusters"]] == [seen.name.path]
    assert there["clusters"] == []


def test_a_cluster_names_whose_it_is_unless_that_was_refused(people, paint, search, reviewer):
    people.enrol("ada", 1)
    people.enrol("bob", 2)
    painted = paint([1], [1], [2], [2])
    [run] = painted.runs()
    matched = reviewer.post(f"/api/v1/runs/{run.id}/assignments/?threshold=0.8")
    assert matched.status_code == 200
    label = search(2)[0]["clusters"][0]["cluster_id"]
    assert {one["cluster_id"]: one["user_id"] for one in search(1)[0]["clusters"]} == {
        label: "bob",
        ({"cluster_0", "cluster_1"} - {label}).pop(): "ada",
    }

    rows = reviewer.get(f"/api/v1/runs/{run.id}/assignments/").json()["assignments"]
    [of_bob] = [row["id"] for row in rows if row["user_id"] == "bob"]
    refused = reviewer.patch(f"/api/v1/assignments/{of_bob}/", {"state": "rejected"}, format="json")

    assert refused.status_code == 200
    assert search(2)[0]["clusters"][0]["user_id"] is None


def test_what_another_model_has_read_is_counted_and_not_compared(people, paint, post):
    people.enrol("ada", 1)
    paint([1], [1])
    people.engine.embedder_id = f"{people.engine.embedder_id}-2"

    body = post(photo_of(1, shade=SHADE)).json()

    [face] = body["faces"]
    assert (face["profiles"], face["clusters"]) == ([], [])
    assert body["not_compared"] == {"profiles": 1, "collections": 1}


def test_nothing_is_found_where_there_is_nothing(search):
    [face] = search(1)

    assert face["face"]["used"]
    assert (face["profiles"], face["clusters"]) == ([], [])


def test_a_photo_without_a_face_has_no_faces(people, post):
    people.enrol("ada", 1)

    answer = post(photo_of())

    assert answer.status_code == 200
    assert answer.json()["faces"] == []
    assert answer.json()["image"] == {"width": 32, "height": 8}


@pytest.mark.parametrize("limit", ["0", "21", "-1", "1.5", "many", "", "NaN", ["2", "3"]])
def test_a_bad_limit_is_422_by_name(post, limit):
    answer = post(photo_of(1), limit=limit)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert list(answer.json()["errors"]) == ["limit"]


def test_fields_are_needed_known_and_given_once(post, viewer):
    nothing = post()
    unknown = post(photo_of(1), colection="a/b")
    twice = post(photo_of(1), collection=["a/b", "a/c"])
    text = viewer.post(ADDRESS, {"file": "a photo"}, format="multipart")

    assert [list(one.json()["errors"]) for one in (nothing, unknown, twice, text)] == [
        ["file"],
        ["colection"],
        ["collection"],
        ["file"],
    ]
    assert {one.status_code for one in (nothing, unknown, twice, text)} == {422}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"no photo", 415, "not_an_image"), (b"", 422, "empty_file")],
)
def test_what_is_no_photo_is_refused_as_anywhere(post, content, status, code):
    answer = post(content)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_photo_that_is_too_large_is_413(post, settings):
    settings.UPLOAD_MAX_BYTES = 60
    by_file = post(photo_of(1))
    settings.UPLOAD_MAX_BYTES = -100_000
    by_body = post(photo_of(1))

    assert [one.status_code for one in (by_file, by_body)] == [413, 413]
    assert {one.json()["code"] for one in (by_file, by_body)} == {"too_many_bytes"}


@pytest.mark.parametrize(
    ("collection", "status", "code"),
    [
        ("photos/never", 404, "no_run"),
        ("photos", 422, "invalid_name"),
        ("photos/../x", 422, "invalid_name"),
        (" photos/never", 422, "invalid_name"),
        ("x" * 1101, 422, "invalid"),
        ("", 422, "invalid"),
    ],
)
def test_a_collection_that_cannot_be_searched_is_refused(post, collection, status, code):
    answer = post(photo_of(1), collection=collection)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_json_is_no_form(viewer):
    assert viewer.post(ADDRESS, {"file": "x"}, format="json").status_code == 415


def test_viewers_may_search_and_strangers_not(post, client, viewer, reviewer):
    assert post(photo_of(1), client=reviewer).status_code == 200
    assert post(photo_of(1), client=viewer).status_code == 200
    assert client.post(ADDRESS).status_code == 401
    assert viewer.get(ADDRESS).status_code == 405

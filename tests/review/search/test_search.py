"""POST /api/v1/search/: who is in a photo, and what is refused."""

import pytest

from clustering.selectors import iter_members
from profiles import selectors
from profiles.services import hide_profile
from tests.profiles.painted import photo_of
from tests.review.search.conftest import ADDRESS, SHADE

pytestmark = pytest.mark.services


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
    assert person["photo"]["face_id"] == selectors.get_profile("ada").references[0]
    assert person["margin"] is None
    assert cluster["face_id"] in {member.face for member in iter_members(run)}
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
    label_of = {member.face: member.cluster for member in iter_members(run)}
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

    photos = selectors.get_profile("ada").references
    [person, *_] = alone.json()["faces"][0]["profiles"]
    assert person["photo"] == {"face_id": photos[shade], "similarity": pytest.approx(1)}
    assert person["photo"]["similarity"] > person["similarity"]
    bob, ada = answer.json()["faces"]
    assert bob["profiles"][0]["photo"]["face_id"] == selectors.get_profile("bob").references[0]
    assert ada["profiles"][0]["photo"]["face_id"] in photos


def test_a_person_being_erased_is_not_found(people, search):
    people.enrol("ada", 1)
    people.enrol("bob", 2)
    hide_profile("ada")

    [face] = search(1)

    assert [one["user_id"] for one in face["profiles"]] == ["bob"]


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

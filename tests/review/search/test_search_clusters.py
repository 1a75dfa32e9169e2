"""POST /api/v1/search/: the clusters that a face is like."""

import uuid

import numpy as np
import pytest

from clustering.documents import Collection
from clustering.selectors import get_cluster, iter_members
from review.search import clusters as search_clusters
from storage.vectors import face_vector_store
from tests.clustering.deciding import Reviewed
from tests.clustering.painted import person_vector
from tests.profiles.painted import photo_of
from tests.review.search.conftest import SHADE

pytestmark = pytest.mark.services


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

    key_of = {member.face: member.key for member in iter_members(run)}
    [cluster] = face["clusters"]
    assert key_of[cluster["face_id"]] == painted.key(f"p{shade}.png")
    assert cluster["similarity"] == pytest.approx(1)


def test_each_face_of_the_noise_is_found_alone(paint, search):
    painted = paint([1], [1], [2], [3])
    [run] = painted.runs()
    assert get_cluster(run, "noise").face_count == 2

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


def test_a_stored_face_that_was_refused_is_not_found(paint, search):
    painted = paint([1, 2], [1, 2], blurred=(2,))
    [run] = painted.runs()

    [face] = search(2)

    taking_part = {member.face for member in iter_members(run)}
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
    assert found <= {member.face for member in iter_members(newest)}
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
    assert same.shares_groups_of

    [face] = search(1)

    assert [one["clustering_id"] for one in face["clusters"]] == [same.id]


def test_clusters_are_found_while_the_vectors_still_name_the_run_before(paint, search):
    painted = paint([1], [1])
    [run] = painted.runs()
    faces = [member.face for member in iter_members(run)]
    face_vector_store().set_payload(run.embedder, faces, {"run": "0" * 24, "cluster": "cluster_7"})

    [face] = search(1)

    assert [one["cluster_id"] for one in face["clusters"]] == ["cluster_0"]


def test_a_collection_without_a_current_run_takes_no_hits(paint, search, monkeypatch):
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

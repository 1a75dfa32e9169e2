"""One run over a painted collection: what it stores and what it tells."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from clustering.documents import NOISE, Batch, Collection, RunState
from clustering.errors import EmptyCollection, RunActive
from clustering.selectors import (
    get_faces_by_id,
    iter_clusters,
    iter_members,
    list_members,
    list_skipped_images,
)
from storage.errors import NoSuchBucket

pytestmark = pytest.mark.services


def people(run):
    """Return the photos of each label."""
    found = {}
    for member in iter_members(run):
        found.setdefault(member.cluster, []).append(member.key.rpartition("/")[2])
    return {label: sorted(files) for label, files in found.items()}


def test_faces_of_one_person_become_a_cluster_and_the_largest_is_the_first(painted):
    painted.paint("a1.png", 1)
    painted.paint("a2.png", 1)
    painted.paint("b1.png", 2)
    painted.paint("b2.png", 2)
    painted.paint("b3.png", 2)
    painted.paint("alone.png", 3)

    run = painted.run()

    assert run.state == RunState.FINISHED
    assert people(run) == {
        "cluster_0": ["b1.png", "b2.png", "b3.png"],
        "cluster_1": ["a1.png", "a2.png"],
        NOISE: ["alone.png"],
    }
    assert [cluster.label for cluster in iter_clusters(run)] == ["cluster_0", "cluster_1", NOISE]


def test_every_face_of_a_photo_is_stored_and_may_sit_in_another_cluster(painted):
    painted.paint("both1.png", 1, 2)
    painted.paint("both2.png", 1, 2, shade=3)

    run = painted.run()

    assert run.stats["total_faces"] == 4
    assert people(run) == {
        "cluster_0": ["both1.png", "both2.png"],
        "cluster_1": ["both1.png", "both2.png"],
    }


def test_statistics_count_what_is_there(painted):
    for number in range(6):
        painted.paint(f"many{number}.png", 1)
    painted.paint("alone.png", 9)

    stats = painted.run().stats

    assert stats["total_images"] == 7
    assert stats["total_faces"] == 7
    assert stats["num_clusters"] == 1
    assert stats["noise_count"] == 1
    assert stats["largest_cluster_size"] == 6
    assert stats["cluster_size_distribution"] == {
        "small (2-5)": 0,
        "medium (6-15)": 1,
        "large (16+)": 0,
    }


def test_a_poor_face_keeps_its_reason_and_joins_only_when_asked(painted):
    painted.paint("sharp1.png", 1)
    painted.paint("sharp2.png", 1)
    painted.paint("blurred.png", 1, blurred=(1,))

    strict = painted.run()
    lenient = painted.run(skip_quality_filter=True)

    assert strict.stats["refused_faces"] == 1
    assert people(strict) == {"cluster_0": ["sharp1.png", "sharp2.png"]}
    assert people(lenient) == {"cluster_0": ["blurred.png", "sharp1.png", "sharp2.png"]}
    faces = get_faces_by_id([member.face for member in iter_members(lenient)])
    assert sorted(face.reason for face in faces.values()) == ["", "", "too_blurry"]


def test_members_lie_by_similarity_and_page_by_place(painted):
    for number in range(7):
        painted.paint(f"p{number}.png", 1, shade=number)
    run = painted.run()

    first = list_members(run, "cluster_0", limit=4)
    rest = list_members(run, "cluster_0", after=first[-1].sort_key, limit=4)

    assert len(first) == 4
    assert len(rest) == 3
    similarities = [member.similarity for member in first + rest]
    assert similarities == sorted(similarities, reverse=True)


def test_the_vector_store_knows_run_and_cluster(painted):
    painted.paint("a1.png", 1)
    painted.paint("a2.png", 1)
    painted.paint("alone.png", 2)

    run = painted.run()

    where = {"collection": painted.name.path, "run": run.id}
    assert painted.vectors.facet("painted-vectors", "cluster", where) == {"cluster_0": 2, NOISE: 1}


def test_an_unreadable_photo_is_a_counted_reason(painted):
    painted.paint("good1.png", 1)
    painted.paint("good2.png", 1)
    (painted.folder / "empty.png").write_bytes(b"")
    (painted.folder / "text.jpg").write_text("This is no photo.")
    cut = painted.paint("cut.png", 1)
    cut.write_bytes(cut.read_bytes()[:60])
    (painted.folder / "notes.txt").write_text("Not even named like one.")

    run = painted.run()

    assert run.state == RunState.FINISHED
    assert run.skipped == {"empty_file": 1, "not_an_image": 1, "unreadable_image": 1}
    assert run.other_files == 1
    skipped = list_skipped_images(painted.name.path, limit=10)
    assert {image.key.rpartition("/")[2]: image.reason for image in skipped} == {
        "cut.png": "unreadable_image",
        "empty.png": "empty_file",
        "text.jpg": "not_an_image",
    }
    assert all(image.detail for image in skipped)


def test_a_limit_reaches_the_first_images_only_and_forgets_none(painted):
    for number in range(5):
        painted.paint(f"p{number}.png", 1, shade=number)

    painted.run()
    limited = painted.run(max_images=2)
    whole = painted.run()

    assert limited.stats["total_faces"] == 2
    assert whole.stats["total_faces"] == 5
    assert whole.decoded == 0


def test_a_missing_bucket_and_an_empty_collection_are_refused_and_leave_nothing(painted):
    (painted.folder / "notes.txt").write_text("no photo")

    with pytest.raises(EmptyCollection):
        painted.start()

    painted.folder.parent.rename(painted.folder.parent.with_name("moved"))
    with pytest.raises(NoSuchBucket):
        painted.start()
    assert Collection.objects(path=painted.name.path).first() is None


def test_a_second_run_at_once_is_refused_and_names_the_first(painted):
    painted.paint("a.png", 1)
    first = painted.start()

    with pytest.raises(RunActive) as refusal:
        painted.start()

    assert refusal.value.extra["clustering_id"] == first.id
    assert painted.finish(first).state == RunState.FINISHED
    assert painted.run().state == RunState.FINISHED


def test_a_finished_run_leaves_no_batches(painted):
    painted.paint("a.png", 1)

    run = painted.run(batch_size=1)

    assert Batch.objects(run=run.id).first() is None


def test_only_the_newest_runs_keep_their_groups(painted):
    painted.paint("a.png", 1)
    runs = []
    for number in range(4):
        painted.paint(f"more{number}.png", 1, shade=number)
        runs.append(painted.run(runs_kept=2))

    assert [bool(list(iter_members(run))) for run in runs] == [False, False, True, True]


def test_plain_dbscan_gives_scikit_learns_labels(painted):
    for number in range(12):
        painted.paint(f"p{number:02d}.png", 1 + number % 3, shade=number)

    run = painted.run(refine=False, eps=0.0024)

    members = sorted(iter_members(run), key=lambda member: member.face)
    vectors = painted.vectors.retrieve("painted-vectors", [member.face for member in members])
    rows = np.stack([vectors[member.face] for member in members])
    labels = DBSCAN(eps=0.0024, min_samples=2, metric="cosine").fit_predict(rows)
    assert len(set(labels)) > 2, "the distances have to straddle eps"
    assert adjusted_rand_score(labels, [member.cluster for member in members]) == 1.0

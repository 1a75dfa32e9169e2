"""What follows a decision in the background: likeness, order, covers; and what was left behind."""

import pymongo.collection
import pytest

from clustering import tasks
from clustering.decisions import cluster_stats
from clustering.decisions.cluster_stats import list_stale_clusters, refresh_cluster_stats
from clustering.decisions.projection import is_projection_behind
from clustering.decisions.replay import replay_event_log
from clustering.documents import Cluster, Collection, Member, Run
from clustering.selectors import get_cluster, list_members
from clustering.services import delete_collection, ensure_projected
from tests.clustering.deciding import Reviewed

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def refreshed(reviewed):
    return refresh_cluster_stats(reviewed.painted.name.path, vectors=reviewed.painted.vectors)


def test_a_moved_face_is_measured_against_its_new_cluster(reviewed):
    face = reviewed.face("bob0.png")
    before = get_cluster(reviewed.run, "cluster_0").cohesion
    reviewed.decide("move", faces=(face,), to="cluster_0")
    assert {one.label for one in list_stale_clusters(reviewed.run)} == {"cluster_0", "cluster_1"}

    assert refreshed(reviewed) == 2

    members = list_members(reviewed.run, "cluster_0", limit=10)
    assert members[-1].face == face
    assert 0 < members[-1].similarity < members[0].similarity
    assert [one.similarity for one in members] == sorted(
        (one.similarity for one in members), reverse=True
    )
    assert get_cluster(reviewed.run, "cluster_0").cohesion < before
    assert list_stale_clusters(reviewed.run) == []
    assert refreshed(reviewed) == 0


def test_it_does_not_restore_a_face_that_was_moved_meanwhile(reviewed, monkeypatch):
    """A face is moved out between reading the cluster and writing its statistics."""
    face, gone = reviewed.face("bob0.png"), reviewed.face("ada3.png")
    reviewed.decide("move", faces=(face,), to="cluster_0")
    really = cluster_stats._describe_members

    def described_slowly(*arguments):
        monkeypatch.setattr(cluster_stats, "_describe_members", really)
        reviewed.decide("reject", faces=(gone,), cluster="cluster_0")
        return really(*arguments)

    monkeypatch.setattr(cluster_stats, "_describe_members", described_slowly)
    refreshed(reviewed)

    assert reviewed.label("ada3.png") == "noise"
    assert "cluster_0" in {one.label for one in list_stale_clusters(reviewed.run)}
    refreshed(reviewed)
    assert gone not in get_cluster(reviewed.run, "cluster_0").covers
    assert list_stale_clusters(reviewed.run) == []


def test_a_chosen_cover_stays(reviewed):
    face = reviewed.face("ada4.png")
    reviewed.decide("choose_cover", faces=(face,), cluster="cluster_0")
    reviewed.decide("move", faces=(reviewed.face("bob0.png"),), to="cluster_0")

    refreshed(reviewed)

    assert get_cluster(reviewed.run, "cluster_0").covers[0] == face


def test_a_cluster_without_faces_is_left_out(reviewed):
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")

    refreshed(reviewed)

    assert list_stale_clusters(reviewed.run) == []
    emptied = Cluster.objects(id=Cluster.id_for(reviewed.run.id, "cluster_1")).first()
    assert (emptied.face_count, emptied.covers) == (0, [])


@pytest.fixture
def asked(monkeypatch):
    """Collect what workers are asked to write."""
    paths = []
    monkeypatch.setattr(tasks, "enqueue_projection", paths.append)
    return paths


def test_the_sweep_finds_what_a_kill_left_unwritten(reviewed, asked):
    path = reviewed.painted.name.path
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1", write=False)

    tasks.decisions_sweep()
    assert asked.count(path) == 1
    tasks.projection_task(path)

    assert not is_projection_behind(reviewed.run)
    assert {one.cluster for one in Member.objects(run=reviewed.run.id)} == {"cluster_0"}
    asked.clear()
    tasks.decisions_sweep()
    assert path not in asked


def test_the_sweep_makes_a_few_queries_for_all_collections(reviewed, asked, monkeypatch):
    path = reviewed.painted.name.path
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")  # its statistics wait
    for number in range(300):
        other, run = f"painted/other-{number}", Run.objects(id=reviewed.run.id).first()
        run.id, run.collection = f"{number:024x}", other
        run.save(force_insert=True)
        Collection(path=other, bucket="painted", sub=other, current_run=run.id).save()
    queries, find = [], pymongo.collection.Collection.find
    monkeypatch.setattr(
        "pymongo.collection.Collection.find",
        lambda *given, **options: queries.append(given) or find(*given, **options),
    )

    assert tasks.decisions_sweep() == 1

    assert asked == [path]
    assert len(queries) < 30


def test_a_collection_that_was_removed_meanwhile_is_no_failure(reviewed):
    path = reviewed.painted.name.path
    delete_collection(reviewed.painted.name)

    assert tasks.projection_task(path) == 0
    assert ensure_projected(path) is None


@pytest.mark.parametrize("wrong", ["face_count", "image_count"])
def test_a_wrong_count_is_found_and_put_right(reviewed, wrong):
    path, vectors = reviewed.painted.name.path, reviewed.painted.vectors
    reviewed.decide("move", faces=(reviewed.face("bob0.png"),), to="cluster_0")
    Cluster.objects(id=Cluster.id_for(reviewed.run.id, "cluster_0")).update_one(
        **{f"inc__{wrong}": 3}
    )
    assert replay_event_log(path, vectors=vectors).miscounted == ["cluster_0"]

    replay_event_log(path, vectors=vectors, repair=True)

    assert replay_event_log(path, vectors=vectors).is_unchanged


def test_a_face_that_lies_elsewhere_is_found_and_put_back(reviewed):
    path, vectors = reviewed.painted.name.path, reviewed.painted.vectors
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    face = reviewed.face("bob0.png")
    member = Member.objects(id=Member.id_for(reviewed.run.id, face)).first()
    member.cluster, member.sort_key = "noise", Member.sort_key_for(reviewed.run.id, "noise", 0)
    member.save()
    assert replay_event_log(path, vectors=vectors).differing == [face]

    replay_event_log(path, vectors=vectors, repair=True)

    assert reviewed.label("bob0.png") == "cluster_0"
    assert replay_event_log(path, vectors=vectors).is_unchanged


def test_a_photo_counts_once_however_many_of_its_faces_come(painted):
    """Two faces of a photo move one after the other, and back by undo."""
    for number in range(4):
        painted.paint(f"both{number}.png", ADA, BOB, shade=number)
    painted.run()
    reviewed = Reviewed(painted)
    path, vectors = painted.name.path, painted.vectors
    label = reviewed.label("both0.png", 0)
    other = reviewed.label("both0.png", 1)

    moved = reviewed.decide("move", faces=(reviewed.face("both0.png", 1),), to=label)
    cluster = get_cluster(reviewed.run, label)
    assert (cluster.face_count, cluster.image_count) == (5, 4)
    assert get_cluster(reviewed.run, other).image_count == 3
    assert replay_event_log(path, vectors=vectors).is_unchanged

    reviewed.undo(moved)
    assert get_cluster(reviewed.run, other).image_count == 4
    assert replay_event_log(path, vectors=vectors).is_unchanged

"""Decisions that are half written, and two people who decide at once."""

import threading
from contextlib import suppress

import pytest

from assignments.services import record_decision
from clustering.decisions import projection
from clustering.decisions.commands import DecisionCommand
from clustering.decisions.documents import Decision
from clustering.decisions.errors import StaleDecision
from clustering.decisions.events import EventKind
from clustering.decisions.replay import replay_event_log
from clustering.documents import Cluster, Face, Member, Run
from clustering.selectors import iter_collection_faces, iter_members
from clustering.services import read_projected
from storage.mongo import bulk_upsert
from tests.clustering.deciding import Reviewed

ADA, BOB = 10, 90
CARDS = 1000


class Killed(Exception):
    """A worker that ended in the middle."""


@pytest.fixture
def reviewed(painted):
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


WRITES = ("bulk_upsert", "_write_payloads", "apply_count_changes", "update_cover_and_version")


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("is_done_first", [True, False])
def test_a_decision_killed_at_any_write_is_whole_after_the_next(
    reviewed, painted, monkeypatch, write, nth, is_done_first
):
    calls, really = [], getattr(projection, write)

    def killed(*arguments, **named):
        calls.append(1)
        if len(calls) != nth:
            return really(*arguments, **named)
        if is_done_first:
            really(*arguments, **named)
        raise Killed

    decision = reviewed.decide("merge", cluster="cluster_0", other="cluster_1", write=False)
    monkeypatch.setattr(projection, write, killed)
    with suppress(Killed):
        projection.project_decisions(painted.name.path, vectors=painted.vectors)
    monkeypatch.setattr(projection, write, really)

    people = read_projected(painted.name.path, reviewed.people)

    assert max(len(faces) for faces in people.values()) == 9
    assert reviewed.run.projected_seq == decision.seq
    assert replay_event_log(painted.name.path, vectors=painted.vectors).is_unchanged


def test_readers_never_see_half_a_decision(reviewed, painted, monkeypatch):
    """Stop the writer between two members; a reader at that time gets the whole decision."""
    stopped, go_on = threading.Event(), threading.Event()
    really = projection.apply_count_changes

    def slow(*arguments, **named):
        stopped.set()
        go_on.wait(20)
        return really(*arguments, **named)

    monkeypatch.setattr(projection, "apply_count_changes", slow)
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1", write=False)
    writer = threading.Thread(
        target=projection.project_decisions,
        args=(painted.name.path,),
        kwargs={"vectors": painted.vectors},
    )
    writer.start()
    assert stopped.wait(20)
    seen = []
    reader = threading.Thread(
        target=lambda: seen.append(read_projected(painted.name.path, reviewed.projection))
    )
    reader.start()
    go_on.set()
    writer.join()
    reader.join()

    people, clusters, _ = seen[0]
    assert sorted(len(faces) for faces in people.values()) == [9]
    assert [count for count, _ in clusters.values()] == [9]


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
@pytest.mark.timeout(1800)  # 4 minutes alone, 14 beside other work
def test_two_reviewers_on_one_queue_lose_nothing_and_decide_nothing_twice(reviewed, painted):
    """A thousand cards, each answered by both at once, by one with yes and by one with no."""
    run = reviewed.run
    faces = many_faces(painted, run, CARDS)
    made, refused = {"yes": [], "no": []}, []

    def review(name, kind):
        for face in faces:
            asked = DecisionCommand(
                kind=kind, faces=(face,), cluster="cluster_0", versions={face: 0}
            )
            try:
                made[name] += record_decision(painted.name.path, asked, by=name).faces
            except StaleDecision:
                refused.append(face)

    people = [
        threading.Thread(target=review, args=("yes", EventKind.CONFIRM)),
        threading.Thread(target=review, args=("no", EventKind.REJECT)),
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(made["yes"] + made["no"]) == sorted(faces)
    assert sorted(refused) == sorted(faces)
    assert Decision.objects(collection=painted.name.path).count() == CARDS
    read_projected(painted.name.path, lambda: None)
    here = {one.face for one in iter_members(run) if one.cluster == "cluster_0"}
    assert here.isdisjoint(made["no"])
    assert here >= set(made["yes"])


def many_faces(painted, run, count):
    """Put many faces into the first cluster, without photos."""
    pattern = next(iter(iter_collection_faces(painted.name.path)))
    members, faces = [], []
    for number in range(count):
        face = f"{number:08d}-0000-5000-8000-000000000000"
        fields = pattern.to_mongo().to_dict()
        fields |= {"_id": face, "place": f"{painted.name.path}\t{face}"}
        faces.append(Face._from_son(fields))
        members.append(
            Member(
                id=Member.id_for(run.id, face),
                run=run.id,
                face=face,
                key=pattern.key,
                cluster="cluster_0",
                base="cluster_0",
                sort_key=Member.sort_key_for(run.id, "cluster_0", 1000 + number),
            )
        )
    bulk_upsert(Face, faces)
    bulk_upsert(Member, members)
    Cluster.objects(id=Cluster.id_for(run.id, "cluster_0")).update_one(inc__face_count=count)
    Run.objects(id=run.id).update_one(set__heartbeat=run.heartbeat)
    return [face.id for face in faces]

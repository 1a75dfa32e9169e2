"""A decision counts for the next one as soon as it is in the log, before its documents are."""

import pytest

from clustering.decisions.errors import OtherCollection, StaleDecision
from clustering.decisions.snapshot import Snapshot
from clustering.errors import NoSuchCluster, NoSuchFace
from tests.clustering.conftest import Painted
from tests.clustering.deciding import Reviewed

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    """Five photos of ada, four of bob and no noise."""
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


def view(reviewed, persons):
    """Return what a command would see: the faces of each person, and where each face is."""
    snapshot = Snapshot(reviewed.run)
    faces = list(reviewed.faces().values())
    return (
        {person: set(snapshot.members(person)) for person in persons},
        {person: set(snapshot.typical(person, limit=20)) for person in persons},
        {person: snapshot.label(person) for person in persons},
        {face: location.person for face, location in snapshot.where(faces).items()},
    )


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("move", {"files": ("bob0.png",), "to": "cluster_0"}),
        ("move", {"files": ("bob0.png", "ada3.png"), "to": "new"}),
        ("reject", {"files": ("ada1.png",), "cluster": "cluster_0"}),
        ("ignore", {"files": ("ada1.png",)}),
        ("split", {"files": ("ada1.png", "ada2.png"), "cluster": "cluster_0"}),
        ("merge", {"cluster": "cluster_1", "other": "cluster_0"}),
    ],
)
def test_commands_see_the_same_before_and_after_the_documents_are_written(reviewed, kind, asked):
    faces = tuple(reviewed.face(file) for file in asked.pop("files", ()))
    snapshot = Snapshot(reviewed.run)
    ada, bob = snapshot.cluster("cluster_0"), snapshot.cluster("cluster_1")

    decision = reviewed.decide(kind, faces=faces, **asked, write=False)

    became = {person for _, _, person in decision.moves}
    persons = {ada, bob, *became} - {"noise", "ignored"} - ({ada} if kind == "merge" else set())
    pending = view(reviewed, persons)
    if decision.label:
        assert Snapshot(reviewed.run).cluster(decision.label) == decision.person
        assert Snapshot(reviewed.run).label(decision.person) == decision.label
    reviewed.write()
    assert view(reviewed, persons) == pending
    assert len(decision.moves) > 0


def test_typical_faces_leave_out_those_that_are_named_and_those_that_left(reviewed):
    snapshot = Snapshot(reviewed.run)
    ada = snapshot.cluster("cluster_0")
    first, second, *others = snapshot.typical(ada, limit=5)
    assert {first, second, *others} == {reviewed.face(f"ada{number}.png") for number in range(5)}
    reviewed.decide("move", faces=(first,), to="cluster_1", write=False)
    bob = reviewed.face("bob0.png")
    reviewed.decide("move", faces=(bob,), to="cluster_0", write=False)

    snapshot = Snapshot(reviewed.run)

    assert snapshot.typical(ada, but=[second], limit=3) == others
    assert snapshot.typical(ada, but=[second], limit=9) == [*others, bob]
    assert snapshot.typical(ada) == [second, *others[:2]]


def test_a_second_decision_is_checked_against_the_first_that_is_pending(reviewed):
    face = reviewed.face("ada0.png")
    reviewed.decide("move", faces=(face,), to="cluster_1", write=False)

    with pytest.raises(StaleDecision):
        reviewed.decide("reject", faces=(face,), cluster="cluster_0", write=False)
    reviewed.decide("reject", faces=(face,), cluster="cluster_1", write=False)

    reviewed.write()
    assert reviewed.label("ada0.png") == "noise"


def test_the_noise_has_no_cluster_of_its_own_to_read(reviewed):
    snapshot = Snapshot(reviewed.run)

    assert snapshot.cluster("noise") == snapshot.label("noise") == "noise"
    with pytest.raises(NoSuchCluster):
        snapshot.cluster("cluster_2")


def test_an_unknown_face_and_one_of_another_collection_are_told_apart(reviewed, tmp_path):
    other = Painted(tmp_path / "buckets")
    other.paint("eve.png", 170)
    other.run()
    eve = Reviewed(other).face("eve.png")

    with pytest.raises(OtherCollection):
        Snapshot(reviewed.run).where([eve])
    with pytest.raises(NoSuchFace):
        Snapshot(reviewed.run).where(["no-face"])

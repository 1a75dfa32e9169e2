"""Decisions about faces and clusters: what they change, what they refuse, how they are undone."""

import pytest

from clustering.decisions.documents import Decision
from clustering.decisions.errors import (
    ContradictsDecisions,
    NothingToDecide,
    NotUndoable,
    OtherCollection,
    SameCluster,
    StaleDecision,
)
from clustering.documents import Cluster
from clustering.errors import NoSuchCluster, NoSuchFace
from tests.clustering.deciding import Reviewed

ADA, BOB, EVE = 10, 90, 170


@pytest.fixture
def reviewed(painted):
    """Three people: five photos of ada, four of bob, three of eve; one of a stranger."""
    for person, name, photos in ((ADA, "ada", 5), (BOB, "bob", 4), (EVE, "eve", 3)):
        for number in range(photos):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.paint("stranger.png", 230)
    painted.run()
    return Reviewed(painted)


def test_a_rejected_face_leaves_for_the_noise_and_stays_away(reviewed):
    face = reviewed.face("ada0.png")
    reviewed.decide("reject", faces=(face,), cluster="cluster_0")
    assert reviewed.label("ada0.png") == "noise"

    reviewed.rerun(full=True)
    ada = reviewed.label("ada1.png")
    reviewed.rerun(full=True, eps=0.5)

    assert reviewed.label("ada0.png") != ada
    assert reviewed.label("ada0.png") != reviewed.label("ada1.png")


def test_a_moved_face_stays_where_it_was_put(reviewed):
    face = reviewed.face("bob0.png")
    reviewed.decide("move", faces=(face,), to="cluster_0")

    reviewed.rerun(full=True)

    assert reviewed.label("bob0.png") == reviewed.label("ada0.png")
    assert reviewed.label("bob1.png") != reviewed.label("ada0.png")


def test_merged_people_stay_one(reviewed):
    reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    assert len(reviewed.people()) == 3  # two people and the noise

    reviewed.rerun(full=True, eps=0.02)

    assert reviewed.label("bob0.png") == reviewed.label("ada0.png")


def test_split_people_stay_two(reviewed):
    faces = (reviewed.face("ada0.png"), reviewed.face("ada1.png"))
    reviewed.decide("split", faces=faces, cluster="cluster_0")
    new = reviewed.label("ada0.png")
    assert new == reviewed.label("ada1.png") != reviewed.label("ada2.png")

    reviewed.rerun(full=True)

    assert reviewed.label("ada0.png") == reviewed.label("ada1.png")
    assert reviewed.label("ada0.png") != reviewed.label("ada2.png")


def test_what_is_no_face_or_ignored_is_in_no_cluster_until_restored(reviewed):
    one, other = reviewed.face("ada0.png"), reviewed.face("bob0.png")
    reviewed.decide("not_a_face", faces=(one,))
    reviewed.decide("ignore", faces=(other,))
    reviewed.rerun(full=True)
    assert reviewed.label("ada0.png") == "not_a_face"
    assert reviewed.label("bob0.png") == "ignored"

    reviewed.decide("restore", faces=(one, other))

    assert reviewed.label("ada0.png") == reviewed.label("ada1.png")
    assert reviewed.label("bob0.png") == reviewed.label("bob1.png")


def test_not_the_same_keeps_two_apart_at_any_eps(reviewed):
    reviewed.decide("not_same", cluster="cluster_0", other="cluster_1")

    reviewed.rerun(full=True, eps=1.5)

    assert reviewed.label("ada0.png") != reviewed.label("bob0.png")


def test_a_merge_is_undone_face_by_face(reviewed):
    before = reviewed.projection()
    merge = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")

    reviewed.undo(merge)

    assert reviewed.projection() == before


def test_a_merge_is_undone_after_another_decision_and_leaves_that_one(reviewed):
    merge = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    reviewed.decide("move", faces=(reviewed.face("bob0.png"),), to="cluster_2")

    reviewed.undo(merge)

    assert reviewed.label("bob1.png") == "cluster_1"
    assert reviewed.label("bob0.png") == "cluster_2"


def test_undo_of_an_undo_of_an_undo(reviewed):
    decision = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    for is_merged in (False, True, False):
        decision = reviewed.undo(decision)
        assert (reviewed.label("bob0.png") == reviewed.label("ada0.png")) is is_merged


def test_undoing_twice_is_refused(reviewed):
    decision = reviewed.decide("reject", faces=(reviewed.face("ada0.png"),), cluster="cluster_0")
    reviewed.undo(decision)

    with pytest.raises(NotUndoable):
        reviewed.undo(decision)


def test_what_later_decisions_replaced_says_which_ones(reviewed):
    face = reviewed.face("ada0.png")
    first = reviewed.decide("move", faces=(face,), to="cluster_1")
    second = reviewed.decide("move", faces=(face,), to="cluster_2")

    with pytest.raises(NotUndoable) as refusal:
        reviewed.undo(first)

    assert refusal.value.extra["later"] == [second.id]


def test_a_decision_undone_after_a_rerun_is_open_again(reviewed):
    face = reviewed.face("ada0.png")
    decision = reviewed.decide("reject", faces=(face,), cluster="cluster_0")
    reviewed.rerun(full=True)

    reviewed.undo(decision)
    assert reviewed.label("ada0.png") == reviewed.label("ada1.png")
    reviewed.rerun(full=True)

    assert reviewed.label("ada0.png") == reviewed.label("ada1.png")


def test_a_stale_version_is_refused_with_what_changed(reviewed):
    merge = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")

    with pytest.raises(StaleDecision) as refusal:
        reviewed.decide(
            "not_same", cluster="cluster_0", other="cluster_2", versions={"cluster_0": 0}
        )

    assert refusal.value.extra["changed"] == [{"id": merge.id, "kind": "merge"}]
    assert Decision.objects.count() == 1


def test_a_face_moved_meanwhile_cannot_be_rejected_from_its_old_cluster(reviewed):
    face = reviewed.face("ada0.png")
    reviewed.decide("move", faces=(face,), to="cluster_1")

    with pytest.raises(StaleDecision):
        reviewed.decide("reject", faces=(face,), cluster="cluster_0")


def test_a_contradiction_is_refused_with_its_chain(reviewed):
    first = reviewed.decide("merge", cluster="cluster_0", other="cluster_1")
    reviewed.undo(reviewed.decide("not_same", cluster="cluster_0", other="cluster_2"))
    cannot_link = reviewed.decide("not_same", cluster="cluster_0", other="cluster_2")

    with pytest.raises(ContradictsDecisions) as refusal:
        reviewed.decide("merge", cluster="cluster_2", other="cluster_0")

    assert cannot_link.id in refusal.value.extra["chain"]
    assert first.id not in refusal.value.extra["chain"]


def test_a_dry_run_writes_nothing(reviewed):
    from clustering.decisions.commands import DecisionCommand, execute_command
    from clustering.decisions.events import EventKind

    face = reviewed.face("ada0.png")
    asked = DecisionCommand(kind=EventKind.REJECT, faces=(face,), cluster="cluster_0")
    decision = execute_command(reviewed.collection, asked, by="ada", dry_run=True)

    assert decision.moved == [face]
    assert Decision.objects.count() == 0


def test_a_cover_is_kept(reviewed):
    face = reviewed.face("ada3.png")
    reviewed.decide("choose_cover", faces=(face,), cluster="cluster_0")
    shown = Cluster.objects(id=Cluster.id_for(reviewed.run.id, "cluster_0")).first()
    assert shown.covers[0] == face

    reviewed.rerun(full=True)

    label = reviewed.label("ada3.png")
    shown = Cluster.objects(id=Cluster.id_for(reviewed.run.id, label)).first()
    assert shown.covers[0] == face


def test_people_keep_who_they_are_from_run_to_run(reviewed, painted):
    before = {frozenset(faces): person for person, faces in reviewed.people().items()}
    painted.paint("new.png", ADA, shade=9)

    reviewed.rerun()

    after = reviewed.people()
    assert len(after) == len(before)
    for faces, person in before.items():
        assert faces <= after[person]


def test_a_rerun_on_unchanged_photos_changes_nothing(reviewed):
    reviewed.decide("reject", faces=(reviewed.face("ada0.png"),), cluster="cluster_0")
    reviewed.decide("merge", cluster="cluster_1", other="cluster_2")
    before = reviewed.projection()

    reviewed.rerun()
    assert reviewed.projection() == before

    reviewed.rerun(full=True)
    assert reviewed.projection() == before


def test_a_rejected_face_is_known_again_in_a_renamed_photo(reviewed, painted):
    reviewed.decide("reject", faces=(reviewed.face("ada0.png"),), cluster="cluster_0")
    reviewed.decide("not_a_face", faces=(reviewed.face("bob0.png"),))
    for name in ("ada0", "bob0"):
        (painted.folder / f"{name}.png").rename(painted.folder / f"renamed-{name}.png")

    reviewed.rerun()
    reviewed.rerun(full=True)

    assert reviewed.label("renamed-ada0.png") != reviewed.label("ada1.png")
    assert reviewed.label("renamed-bob0.png") == "not_a_face"


def test_decisions_made_while_a_run_works_are_in_it(reviewed, painted):
    painted.paint("new.png", BOB, shade=9)
    run = painted.start()
    face = reviewed.face("ada0.png")
    while painted.advance(run) and reviewed.fresh(run).state != "grouping":
        pass
    reviewed.decide("reject", faces=(face,), cluster="cluster_0")

    painted.finish(run)

    assert reviewed.run.id == run.id
    assert reviewed.label("ada0.png") == "noise"


@pytest.mark.parametrize(
    ("kind", "asked", "refusal"),
    [
        ("reject", {"faces": (), "cluster": "cluster_0"}, NothingToDecide),
        ("reject", {"faces": ("nobody",), "cluster": "cluster_0"}, NoSuchFace),
        ("reject", {"faces": ("ada0",), "cluster": "cluster_77"}, NoSuchCluster),
        ("reject", {"faces": ("ada0",), "cluster": ""}, NothingToDecide),
        ("reject", {"faces": ("ada0",), "cluster": "noise"}, NothingToDecide),
        ("merge", {"cluster": "cluster_0", "other": "cluster_0"}, SameCluster),
        ("merge", {"cluster": "cluster_0", "other": "noise"}, NothingToDecide),
        ("restore", {"faces": ("ada0",)}, NothingToDecide),
        ("choose_profile", {"cluster": "cluster_0"}, NothingToDecide),
        ("allow_twice", {"faces": ("ada0",)}, NothingToDecide),
        ("move", {"faces": ("ada0",), "to": "cluster_77"}, NoSuchCluster),
        ("move", {"faces": ("ada0",)}, NothingToDecide),
        ("not_same", {"cluster": "cluster_0", "other": "cluster_0"}, SameCluster),
        ("choose_cover", {"faces": ("ada0", "ada1"), "cluster": "cluster_0"}, NothingToDecide),
        ("choose_cover", {"faces": ("ada0",), "cluster": "cluster_1"}, StaleDecision),
        ("choose_profile", {"cluster": "noise", "user_id": "zoe"}, NothingToDecide),
        ("allow_twice", {"faces": ("ada0", "ada1")}, NothingToDecide),
        ("ignore", {"faces": ("ada0",), "cluster": "cluster_1"}, StaleDecision),
        ("split", {"faces": ("ada0",), "cluster": "cluster_1"}, StaleDecision),
    ],
)
def test_nonsense_is_refused_and_writes_nothing(reviewed, kind, asked, refusal):
    known = {name: reviewed.face(f"{name}.png") for name in ("ada0", "ada1")}
    faces = tuple(known.get(face, face) for face in asked.get("faces", ()))
    before = reviewed.projection()

    with pytest.raises(refusal):
        reviewed.decide(kind, **{**asked, "faces": faces})

    assert reviewed.projection() == before
    assert Decision.objects.count() == 0


def test_a_split_may_not_take_all_faces(reviewed):
    faces = tuple(reviewed.face(f"eve{n}.png") for n in range(3))

    with pytest.raises(NothingToDecide):
        reviewed.decide("split", faces=faces, cluster="cluster_2")


def test_a_face_of_another_collection_is_refused(reviewed):
    from clustering.documents import Face

    face = Face.objects(id=reviewed.face("ada0.png")).first()
    face.collection, face.id, face.sort_key = "other/place", "strange-face", "other/place\tx"
    face.save(force_insert=True)

    with pytest.raises(OtherCollection):
        reviewed.decide("ignore", faces=("strange-face",))

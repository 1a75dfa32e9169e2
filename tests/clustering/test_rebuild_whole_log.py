"""`rebuild_decisions` covers the whole log: decisions before and after the last grouping."""

from contextlib import contextmanager

import pytest
from django.core.management import call_command

from clustering.documents import Cluster, Face, Member
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ADA, BOB = 10, 90


@pytest.fixture
def reviewed(painted):
    for person, name in ((ADA, "ada"), (BOB, "bob")):
        for number in range(4):
            painted.paint(f"{name}{number}.png", person, shade=number)
    painted.run()
    return Reviewed(painted)


@pytest.fixture
def command(monkeypatch, capsys, painted):
    """Run `rebuild_decisions` on the test's stores; return its exit code, output and message."""
    running = contextmanager(lambda: (yield False))
    monkeypatch.setattr("faceadmin.management.commands.rebuild_decisions.run_services", running)

    def run(*options):
        try:
            call_command("rebuild_decisions", painted.name.path, *options)
        except CommandFailed as ended:
            return ended.code, capsys.readouterr().out, str(ended)
        return Exit.DONE, capsys.readouterr().out, ""

    return run


def decide_some(reviewed):
    """Move one face, mark one as not a face, split one off; return the three."""
    moved, none, singletons = (reviewed.face(f"bob{number}.png") for number in range(3))
    reviewed.decide("move", faces=(moved,), to=reviewed.label("ada0.png"))
    reviewed.decide("not_a_face", faces=(none,))
    reviewed.decide("move", faces=(singletons,), to="noise")
    return moved, none, singletons


def regroup(reviewed):
    reviewed.painted.paint("new.png", ADA, shade=9)
    reviewed.painted.run()


def put(reviewed, face, label):
    """Write a face's member into another cluster, as if the grouping had put it there."""
    run = reviewed.run
    place = Member.sort_key_for(run.id, label, 9)
    Member.objects(id=Member.id_for(run.id, face)).update_one(
        set__cluster=label, set__base=label, set__sort_key=place
    )


def test_decisions_before_the_grouping_are_counted_and_applied(reviewed, command):
    decide_some(reviewed)
    regroup(reviewed)
    reviewed.decide("confirm", faces=(reviewed.face("ada0.png"),), cluster="cluster_0")

    code, output, _ = command()

    assert code == Exit.DONE
    assert "4 decisions over" in output
    assert "3 of them the grouping started from, 1 came after it" in output
    assert "nothing changed" in output


@pytest.mark.parametrize("which", ["moved", "alone"])
def test_face_grouped_against_a_decision_is_reported_and_repaired(reviewed, command, which):
    moved, _, singletons = decide_some(reviewed)
    regroup(reviewed)
    people = reviewed.people()
    face = {"moved": moved, "alone": singletons}[which]
    put(reviewed, face, reviewed.label("bob3.png"))

    code, output, advice = command()
    assert (code, advice) == (Exit.FAILED, "Write it with --repair.")
    assert f"1 faces elsewhere ({face})" in output

    assert command("--repair")[0] == Exit.DONE
    assert reviewed.people() == people
    assert command()[0] == Exit.DONE


def test_rejected_face_in_its_cluster_is_reported_and_removed(reviewed, command):
    face, label = reviewed.face("bob0.png"), reviewed.label("bob1.png")
    reviewed.decide("reject", faces=(face,), cluster=label)
    regroup(reviewed)
    assert reviewed.label("bob0.png") == "noise"
    put(reviewed, face, reviewed.label("bob1.png"))

    assert command()[0] == Exit.FAILED
    assert command("--repair")[0] == Exit.DONE
    assert reviewed.label("bob0.png") == "noise"


def test_lost_member_of_a_moved_face_is_restored_to_its_target(reviewed, command):
    moved, *_ = decide_some(reviewed)
    regroup(reviewed)
    people = reviewed.people()
    Member.objects(face=moved).delete()

    assert f"1 faces elsewhere ({moved})" in command()[1]
    assert command("--repair")[0] == Exit.DONE
    assert reviewed.people() == people


@pytest.mark.parametrize("is_regrouped", [True, False])
@pytest.mark.parametrize("where", ["document", "vector"])
def test_verdicts_are_derived_from_the_whole_log(reviewed, command, where, is_regrouped):
    _, none, _ = decide_some(reviewed)
    kept = reviewed.face("ada1.png")
    if is_regrouped:
        regroup(reviewed)
    if where == "document":
        Face.objects(id=none).update_one(set__verdict="kept")
        Face.objects(id=kept).update_one(set__verdict="ignored")
    else:
        vectors = reviewed.painted.vectors
        vectors.set_payload("painted-vectors", [none], {"verdict": "kept"})
        vectors.set_payload("painted-vectors", [kept], {"verdict": "ignored"})

    assert "2 faces judged otherwise" in command()[1]
    assert command("--repair")[0] == Exit.DONE

    verdicts = {face.id: face.verdict for face in Face.objects(id__in=[none, kept])}
    assert verdicts == {none: "not_a_face", kept: "kept"}
    where = {"collection": reviewed.painted.name.path, "verdict": ["not_a_face", "ignored"]}
    found = reviewed.painted.vectors.iter_payloads("painted-vectors", where)
    assert [face for batch in found for face, _ in batch] == [none]


def test_excluded_face_in_a_renamed_file_is_no_difference(reviewed, command):
    decide_some(reviewed)
    (reviewed.painted.folder / "bob1.png").rename(reviewed.painted.folder / "renamed.png")
    reviewed.painted.run()
    assert reviewed.label("renamed.png") == "not_a_face"

    code, output, _ = command()

    assert code == Exit.DONE, output
    assert "1 faces that they speak of are not in the collection now." in output


def test_chosen_cover_is_derived_from_the_whole_log(reviewed, command):
    face, label = reviewed.face("ada3.png"), reviewed.label("ada3.png")
    reviewed.decide("choose_cover", faces=(face,), cluster=label)
    regroup(reviewed)
    cluster = Cluster.objects(
        id=Cluster.id_for(reviewed.run.id, reviewed.label("ada3.png"))
    ).first()
    assert cluster.covers[0] == face
    cluster.covers = [one for one in cluster.covers if one != face]
    cluster.save()

    assert "1 with another cover" in command()[1]
    assert command("--repair")[0] == Exit.DONE
    assert Cluster.objects(id=cluster.id).first().covers[0] == face


def test_lost_cluster_makes_the_next_run_group_again(reviewed, command):
    moved, *_ = decide_some(reviewed)
    regroup(reviewed)
    people = reviewed.people()
    Cluster.objects(id=Cluster.id_for(reviewed.run.id, reviewed.label("ada0.png"))).delete()
    Member.objects(face=moved).delete()

    code, _, advice = command("--repair")

    assert code == Exit.FAILED
    assert "Start a run" in advice
    reviewed.painted.run()
    assert command()[0] == Exit.DONE
    assert {frozenset(faces) for faces in reviewed.people().values()} == {
        frozenset(faces) for faces in people.values()
    }

"""Records lost from the stores are reported as inconsistent and restored from the photos."""

import shutil
from contextlib import contextmanager

import numpy as np
import pytest
from django.core.management import call_command
from django.urls import reverse

from clustering.documents import Cluster, Face, Image, Member
from clustering.selectors import iter_collection_faces
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from tests.clustering.deciding import Reviewed

pytestmark = pytest.mark.services

ADA, BOB = 10, 90
MODEL = "painted-vectors"


class Stores:
    """A finished collection that is verified and repaired over REST by an admin."""

    def __init__(self, painted, admin):
        self.painted, self.admin = painted, admin
        self.address = f"/verify-fixed-storage/{painted.name.bucket}/{painted.name.sub}"

    def verify(self):
        return self.admin.get(self.address).json()["consistency_check"]

    def repair(self):
        """Repair; return the repair and the new comparison."""
        body = self.admin.post(self.address).json()
        assert body["architecture_working"] is body["consistency_check"]["total_consistency"]
        return body["repair"], body["consistency_check"]

    def faces(self):
        """Return the stored records of the faces without their times."""
        return {
            face.id: {name: face[name] for name in face._fields if name != "created_at"}
            for face in iter_collection_faces(self.painted.name.path)
        }

    def ids(self, *files):
        keys = {self.painted.key(file) for file in files}
        return sorted(
            face.id
            for face in iter_collection_faces(self.painted.name.path)
            if not files or face.key in keys
        )

    def vectors(self, ids):
        return self.painted.vectors.retrieve(MODEL, ids)


@pytest.fixture
def stored(active_engine, admin):
    for person, name in ((ADA, "ada"), (BOB, "bob")):
        for number in range(3):
            active_engine.paint(f"{name}{number}.png", person, shade=number)
    active_engine.run()
    return Stores(active_engine, admin)


def forget(ids):
    """Delete face documents, as an operator or a damaged disk may."""
    Face._get_collection().delete_many({"_id": {"$in": ids}})


def test_lost_face_documents_are_reported_and_restored_without_changing_vectors(stored):
    before, lost = stored.faces(), stored.ids("ada0.png", "bob1.png")
    vectors = stored.vectors(lost)
    forget(lost)

    check = stored.verify()
    done, after = stored.repair()

    assert check["total_consistency"] is False
    assert (check["faces_missing"], check["faces_missing_ids"]) == (2, lost)
    assert (check["qdrant_only"], check["members_without_face"]) == (0, 2)
    assert (done["faces_restored"], done["vectors_removed"], done["not_restored"]) == (2, 0, 0)
    assert after["total_consistency"] is True
    assert stored.faces() == before
    assert all(np.array_equal(vectors[one], stored.vectors(lost)[one]) for one in lost)


def test_faces_lost_from_all_stores_are_restored_to_all_stores(stored):
    before, lost = stored.faces(), stored.ids("ada0.png")
    forget(lost)
    stored.painted.vectors.delete(MODEL, lost)
    stored.painted.crops.delete(lost)

    done, check = stored.repair()

    assert (done["faces_restored"], check["total_consistency"]) == (1, True)
    assert stored.faces() == before
    assert stored.painted.crops.missing(lost) == []


def test_run_after_a_repair_has_all_faces(stored):
    people = Reviewed(stored.painted).people()
    forget(stored.ids("ada0.png", "bob0.png"))
    stored.repair()

    run = stored.painted.run()

    assert Reviewed(stored.painted).people() == people
    assert run.stats["total_faces"] == len(stored.ids()) == 6
    assert stored.verify()["total_consistency"] is True


def test_decided_verdicts_of_restored_faces_are_kept(stored):
    reviewed = Reviewed(stored.painted)
    face, beside = stored.ids("ada0.png") + stored.ids("ada1.png")
    reviewed.decide("not_a_face", faces=(face,))
    reviewed.decide("move", faces=(beside,), to=reviewed.label("bob0.png"))
    before, people = stored.faces(), reviewed.people()
    forget([face, beside])

    _, check = stored.repair()

    assert check["total_consistency"] is True
    assert stored.faces() == before
    assert reviewed.people() == people
    assert reviewed.label("ada0.png") == "not_a_face"


def test_face_of_a_removed_photo_is_reported_and_not_restored(stored):
    """Its vector and member are kept, because the photo may come back."""
    before, [lost] = stored.faces(), stored.ids("ada0.png")
    photo = stored.painted.folder / "ada0.png"
    content = photo.read_bytes()
    forget([lost])
    photo.unlink()

    done, check = stored.repair()

    key = stored.painted.key("ada0.png")
    assert done["not_restored_photos"] == [{"key": key, "reason": "vanished"}]
    assert check["total_consistency"] is False
    assert check["faces_missing_ids"] == check["members_without_face_ids"] == [lost]
    assert lost in stored.vectors([lost])
    photo.write_bytes(content)
    assert stored.repair()[1]["total_consistency"] is True
    assert stored.faces() == before


def test_changed_photo_is_not_used_to_restore_a_face(stored):
    [lost] = stored.ids("ada0.png")
    forget([lost])
    stored.painted.paint("ada0.png", BOB, shade=77)

    done, check = stored.repair()

    key = stored.painted.key("ada0.png")
    assert done["not_restored_photos"] == [{"key": key, "reason": "changed"}]
    assert (check["faces_missing"], check["total_consistency"]) == (1, False)
    stored.painted.run()
    done, check = stored.repair()  # the remains of the lost face belong to no photo now
    assert (done["vectors_removed"], check["total_consistency"]) == (1, True)


@pytest.fixture(params=["bucket", "folder", "photos"])
def hidden(request, stored):
    """Return functions that hide and restore the bucket, its folder, or all its photos."""
    folder, aside = stored.painted.folder, stored.painted.folder.parent.with_suffix(".aside")
    moved = folder.parent if request.param == "bucket" else folder

    @contextmanager
    def away():
        shutil.move(moved, aside)
        if request.param == "photos":
            folder.mkdir()
        yield
        if request.param == "photos":
            folder.rmdir()
        shutil.move(aside, moved)

    return away


def test_nothing_is_removed_while_the_bucket_is_unavailable(stored, hidden):
    lost, orphan = stored.ids("ada0.png"), "00000000-0000-5000-8000-000000000000"
    payload = {"collection": stored.painted.name.path, "key": stored.painted.key("gone.png")}
    payload |= {"run": "", "cluster": "", "verdict": "kept"}
    stored.painted.vectors.upsert(MODEL, [orphan], np.ones((1, 32), np.float32), [payload])
    forget(lost)
    before = stored.verify()

    with hidden():
        answer = stored.admin.post(stored.address)
        assert stored.verify() == before

    assert answer.status_code == 503
    assert answer.json()["code"] == "store_unavailable"
    assert answer.headers["Retry-After"]
    assert set(stored.vectors([*lost, orphan])) == {*lost, orphan}
    done, check = stored.repair()
    assert (done["vectors_removed"], done["faces_restored"]) == (1, 1)
    assert check["total_consistency"] is True


def test_vector_of_a_photo_with_lost_documents_is_no_orphan(stored):
    before, lost = stored.faces(), stored.ids("ada0.png")
    forget(lost)
    Image.objects(
        id=Image.id_for(stored.painted.name.path, stored.painted.key("ada0.png"))
    ).delete()

    check = stored.verify()
    done, after = stored.repair()

    assert (check["qdrant_only_ids"], check["total_consistency"]) == (lost, False)
    assert (done["vectors_removed"], done["faces_restored"]) == (0, 1)
    assert after["total_consistency"] is True
    assert stored.faces() == before


def test_lost_image_document_is_reported_and_restored(stored):
    before, key = stored.faces(), stored.painted.key("bob2.png")
    image = Image.objects(id=Image.id_for(stored.painted.name.path, key)).first()
    image.delete()

    check = stored.verify()
    _, after = stored.repair()

    assert (check["images_missing_keys"], check["total_consistency"]) == ([key], False)
    assert after["total_consistency"] is True
    again = Image.objects(id=image.id).first()
    assert (again.digest, again.faces, again.width) == (image.digest, image.faces, image.width)
    assert stored.faces() == before


def test_empty_and_damaged_crops_are_reported_and_restored(stored):
    ids = stored.ids()
    whole = stored.painted.crops.read(ids[3])
    for face, broken in zip(ids, (b"", b"no picture", whole[: len(whole) // 2]), strict=False):
        stored.painted.crops.save(face, broken)

    check = stored.verify()
    done, after = stored.repair()

    assert (check["damaged_crops"], check["damaged_crops_ids"]) == (3, ids[:3])
    assert (check["missing_crops"], check["total_consistency"]) == (0, False)
    assert (done["faces_recomputed"], done["faces_restored"]) == (3, 0)
    assert after["total_consistency"] is True
    assert all(stored.painted.crops.read(face).startswith(b"\xff\xd8") for face in ids)


def test_face_without_member_requires_a_run_that_groups_again(stored):
    people = Reviewed(stored.painted).people()
    [face] = stored.ids("ada1.png")
    Member.objects(face=face).delete()

    check = stored.verify()
    _, after = stored.repair()

    assert (check["faces_without_member_ids"], check["run_needed"]) == ([face], True)
    assert check["clusters_wrong"] == 1
    assert (after["clusters_wrong"], after["run_needed"]) == (0, True)
    assert after["total_consistency"] is False
    stored.painted.run()
    assert stored.verify()["total_consistency"] is True
    assert Reviewed(stored.painted).people() == people


@pytest.mark.parametrize(
    "change",
    [{"set__face_count": 9}, {"set__image_count": 1}, {"set__covers": ["no-such-face"]}],
    ids=lambda change: next(iter(change)),
)
def test_clusters_with_wrong_counts_or_covers_are_reported_and_repaired(stored, change):
    run = Reviewed(stored.painted).run
    Cluster.objects(id=Cluster.id_for(run.id, "cluster_1")).update_one(**change)

    check = stored.verify()
    done, after = stored.repair()

    assert check["clusters_wrong_ids"] == ["cluster_1"]
    assert (check["total_consistency"], after["total_consistency"]) == (False, True)
    assert done["clusters_recounted"] == 1
    again = Cluster.objects(id=Cluster.id_for(run.id, "cluster_1")).first()
    assert (again.face_count, again.image_count, len(again.covers)) == (3, 3, 3)


def test_restored_cluster_has_the_person_of_its_decided_faces(stored):
    reviewed = Reviewed(stored.painted)
    label = reviewed.label("bob0.png")
    reviewed.decide("confirm", faces=(reviewed.face("bob0.png"),), cluster=label)
    people = reviewed.people()
    Cluster.objects(id=Cluster.id_for(reviewed.run.id, label)).delete()

    check = stored.verify()
    _, after = stored.repair()

    assert check["clusters_wrong_ids"] == [label]
    assert after["total_consistency"] is True
    assert reviewed.people() == people


def test_member_of_an_unknown_photo_is_removed(stored):
    run = Reviewed(stored.painted).run
    ghost = "00000000-0000-5000-8000-000000000000"
    pattern = Member.objects(face=stored.ids("ada0.png")[0]).first()
    fields = pattern.to_mongo().to_dict()
    fields |= {
        "_id": Member.id_for(run.id, ghost),
        "face": ghost,
        "key": stored.painted.key("x.png"),
    }
    fields |= {"place": Member.sort_key_for(run.id, pattern.cluster, 7)}
    Member._from_son(fields).save(force_insert=True)

    check = stored.verify()
    done, after = stored.repair()

    assert check["members_without_face_ids"] == [ghost]
    assert (done["members_removed"], after["total_consistency"]) == (1, True)


def test_photos_read_by_a_cancelled_run_are_consistent(stored):
    run = stored.painted
    run.paint("new.png", ADA, shade=50)
    started = run.start()
    run.advance(started)
    run.advance(started)
    stored.admin.post(f"/api/v1/runs/{started.id}/cancel/")
    run.advance(started)

    assert len(stored.ids()) == 7
    assert stored.verify()["total_consistency"] is True


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `verify_storage` on the test's stores; return its exit code, output and message."""
    running = contextmanager(lambda: (yield False))
    monkeypatch.setattr("faceadmin.management.commands.verify_storage.run_services", running)

    def run(stored, *options):
        try:
            call_command("verify_storage", stored.painted.name.path, *options)
        except CommandFailed as ended:
            return ended.code, capsys.readouterr().out, str(ended)
        return Exit.DONE, capsys.readouterr().out, ""

    return run


def test_command_reports_lost_and_unrestorable_faces(stored, command):
    forget(stored.ids("ada0.png", "bob0.png"))
    (stored.painted.folder / "ada0.png").unlink()

    code, output, advice = command(stored)
    assert (code, advice) == (Exit.FAILED, "Repair it with --repair.")
    assert "2 faces whose document is lost" in output

    code, output, _ = command(stored, "--repair")
    assert code == Exit.FAILED
    assert "1 of them restored" in output
    assert f"{stored.painted.key('ada0.png')} (vanished)" in output
    assert "The stores agree" not in output


def test_command_reports_that_a_run_is_needed(stored, command):
    Member.objects(face=stored.ids("ada1.png")[0]).delete()

    code, output, advice = command(stored, "--repair")

    assert code == Exit.FAILED
    assert "1 faces are in no cluster" in output
    assert advice == f"Start a run: cluster_bucket {stored.painted.name.path} --wait"


def test_command_repairs_nothing_while_the_bucket_is_unavailable(stored, command, hidden):
    forget(stored.ids("ada0.png"))

    with hidden():
        code, _, sentence = command(stored, "--repair")

    assert code == Exit.STORE_AWAY
    assert "nothing was repaired or removed" in sentence
    assert len(stored.vectors(stored.ids())) == 5


def test_page_reports_lost_and_restored_faces(stored, page_of):
    here = {"bucket": stored.painted.name.bucket, "sub": stored.painted.name.sub}
    browser = page_of("admin")
    forget(stored.ids("ada0.png", "bob0.png"))
    (stored.painted.folder / "ada0.png").unlink()
    before = browser.get(reverse("storage", kwargs=here)).content.decode()

    browser.post(reverse("storage_repair", kwargs=here))

    after = browser.get(reverse("storage", kwargs=here)).content.decode()
    assert "Faces whose document is lost" in before
    assert '<span class="tag differ">2</span>' in before
    assert "differs" in after
    assert "1 of them restored" in after
    assert "ada0.png (vanished)" in after

"""DELETE /debug-profile/{user_id}: afterwards no store knows the person."""

import mongoengine
import pytest

from assignments import services, sync
from assignments.documents import Assignment, Strategy
from assignments.match_run import match_run
from assignments.services import assign_run
from clustering.decisions.commands import DecisionCommand
from clustering.decisions.events import EventKind
from clustering.services import ensure_projected
from profiles.documents import Profile, ReferencePhoto
from profiles.errors import NoSuchProfile
from profiles.imports.documents import ImportedFile
from profiles.selectors import find_profile
from review.people import erase
from storage.errors import StoreUnavailable
from storage.pictures import PictureStore
from tests.assignments.conftest import ADA, BOB, EVE, stored
from tests.profiles.imports.import_kit import to_its_end, zip_started
from tests.profiles.painted import photo_of
from web.models import IdempotentRequest

pytestmark = pytest.mark.services

ID = "whoever.is-erased"  # occurs in no other word
NAME = "Augusta of Erasure"
ADDRESS = f"/debug-profile/{ID}"
SEARCHED = (ID, NAME, "Augusta")


def traces():
    """Return every document and row that still says the person's id or name."""
    database = mongoengine.connection.get_db()
    found = [
        (name, document)
        for name in database.list_collection_names()
        for document in database[name].find({})
        if any(word in repr(document) for word in SEARCHED)
    ]
    rows = IdempotentRequest.objects.values("path", "body", "location")
    return found + [("answers", row) for row in rows if any(word in repr(row) for word in SEARCHED)]


@pytest.fixture
def known(album, people, monkeypatch):
    """Ada under an id of her own in every store, and Bob and Eve beside her."""
    monkeypatch.setattr("profiles.imports.context.get_engine", lambda _: people.engine)
    people.enrol(ID, ADA, name=NAME)
    people.update(ID, ADA, shade=1)
    people.enrol("bob", BOB)
    people.enrol("eve", EVE)
    album.photos((ADA, BOB, EVE), (ADA, BOB, EVE), (ADA, 4), (4,))
    album.current = album.run()
    people.kept = {one.id for one in ReferencePhoto.objects if one.user_id != ID}
    people.hers = {one.id for one in ReferencePhoto.objects if one.user_id == ID}
    return album


@pytest.fixture
def everywhere(known, admin):
    """Let all that can name the person do so."""
    key = admin._credentials["HTTP_AUTHORIZATION"]
    admin.credentials(HTTP_AUTHORIZATION=key, HTTP_IDEMPOTENCY_KEY="k")
    asked = "dry_run=true&threshold=0&margin=0"
    assert admin.post(f"/assignments/{known.name.path}?{asked}").status_code == 200
    admin.credentials(HTTP_AUTHORIZATION=key)
    known.match(known.current, threshold=0.0, margin=0.0)
    ada, bob, eve = (known.label("p0.png", index) for index in range(3))
    fourth = known.label("p2.png", 1)
    known.decide("confirm_profile", ada, ID)
    known.decide("choose_profile", bob, ID)
    known.decide("choose_profile", bob, "bob")
    known.decide("reject_profile", eve, ID)
    known.decide("choose_profile", fourth, ID)
    to_its_end(zip_started({f"{ID}/1.png": photo_of(ADA), "eve/x.png": photo_of(ADA, shade=7)}))
    return known


def test_nothing_is_left_in_any_store(everywhere, people, admin):
    assert {name for name, _ in traces()} >= {
        *("profiles", "reference_photos", "assignments", "decisions", "import_lines"),
        "answers",
    }

    answer = admin.delete(ADDRESS)

    assert (answer.status_code, answer.json()["complete"]) == (200, True)
    assert traces() == []
    assert {one.id for one in ReferencePhoto.objects.only("id")} == people.kept
    photos, crops = people.files()
    assert photos == people.kept
    assert people.kept <= crops
    assert not people.hers & crops


def test_erasure_removes_an_automatic_proposal_where_another_person_was_chosen(known, admin):
    known.match(known.current)
    ada = known.label("p0.png")
    known.decide("choose_profile", ada, "bob")
    assert known.held(known.current, ada).proposed_user == ID

    admin.delete(ADDRESS)

    assert traces() == []
    held = known.held(known.current, ada)
    assert (held.user_id, held.state.value, held.proposed_user) == ("bob", "confirmed", "")


def test_what_is_others_stays(everywhere, admin):
    bob, eve = everywhere.label("p0.png", 1), everywhere.label("p0.png", 2)
    labels = everywhere.owners(everywhere.current)

    admin.delete(ADDRESS)

    after = everywhere.owners(everywhere.current)
    assert after == {label: user for label, user in labels.items() if user != ID}
    assert (after[bob], after[eve]) == ("bob", "eve")
    assert find_profile("bob") is not None


def test_the_receipt_counts_what_was_removed_by_store(known, admin):
    known.match(known.current)
    ada, bob = known.label("p0.png"), known.label("p0.png", 1)
    known.decide("confirm_profile", ada, ID)
    to_its_end(zip_started({f"{ID}/1.png": photo_of(ADA)}))
    naming = [one for one in stored().values() if ID in repr(one)]

    body = admin.delete(ADDRESS).json()

    assert body["user_id"] == ID
    assert body["removed"]["mongodb"] == {
        "profiles": 1,
        "reference_photos": 2,
        "vectors": 3,
        "assignments": len(naming),
        "decisions": 1,
        "import_lines": 1,
    }
    assert body["removed"]["files"] == {"photos": 2, "crops": 2, "log_files": 0}
    assert {n for part in body["left"].values() for n in part.values()} == {0}
    assert known.held(known.current, bob).user_id == "bob"


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (erase, "forget_user_assignments"),
        (services, "_remove_name"),
        (erase, "redact_decisions"),
        (erase, "forget_import_traces"),
        (PictureStore, "delete"),
        ("profiles.reference_photos", "bulk_delete"),
        (erase, "count_user_assignments"),
    ],
)
def test_interrupted_erasure_hides_the_person_and_is_finished_by_the_next(
    everywhere, people, admin, monkeypatch, where, name
):
    def away(*_, **__):
        raise StoreUnavailable("away", store="mongodb")

    with monkeypatch.context() as patch:
        target = f"{where}.{name}" if isinstance(where, str) else None
        patch.setattr(target, away) if target else patch.setattr(where, name, away)
        first = admin.delete(ADDRESS)
    seen = admin.get(ADDRESS)

    second = admin.delete(ADDRESS)

    assert (first.status_code, seen.status_code) == (503, 404)
    assert (second.status_code, second.json().get("complete")) == (200, True)
    assert admin.delete(ADDRESS).status_code == 404
    assert traces() == []
    assert people.files()[0] == people.kept


def test_erasure_interrupted_before_the_profile_is_deleted_is_finished_by_the_next(
    everywhere, admin, monkeypatch
):
    with monkeypatch.context() as patch:

        def away(*_, **__):
            raise StoreUnavailable("away", store="mongodb")

        patch.setattr("profiles.services.discard_references", away)
        assert admin.delete(ADDRESS).status_code == 503

    body = admin.delete(ADDRESS).json()

    assert body["complete"] is True
    assert body["removed"]["mongodb"]["profiles"] == 1
    assert body["removed"]["mongodb"]["assignments"] == 0  # the first one had
    assert traces() == []


def test_a_concurrent_matching_leaves_no_reference_to_the_erased_person(known, admin):
    matches = match_run(
        known.current,
        strategy=Strategy.CENTROID,
        threshold=0.0,
        margin=0.0,
        vectors=known.vectors,
    )
    assert admin.delete(ADDRESS).json()["complete"] is True

    assign_run(known.current, matches, strategy=Strategy.CENTROID, overwrite=False, dry_run=False)

    assert traces() == []
    assert set(known.owners(known.current).values()) <= {"bob", "eve"}


def test_a_concurrent_decision_leaves_no_reference_to_the_erased_person(known, admin, monkeypatch):
    execute = services.execute_command

    def late(*arguments, **named):
        assert admin.delete(ADDRESS).json()["complete"] is True
        return execute(*arguments, **named)

    monkeypatch.setattr(services, "execute_command", late)
    asked = DecisionCommand(EventKind.CHOOSE_PROFILE, cluster=known.label("p0.png", 1), user_id=ID)

    with pytest.raises(NoSuchProfile):
        services.record_decision(known.name.path, asked, by="test")

    assert traces() == []


def test_a_decision_being_written_leaves_no_reference_to_the_erased_person(
    known, admin, monkeypatch
):
    there = sync.profile_exists

    def late(user_id):
        found = there(user_id)
        assert admin.delete(ADDRESS).json()["complete"] is True
        return found

    monkeypatch.setattr(sync, "profile_exists", late)
    known.decide("choose_profile", known.label("p0.png", 1), ID)

    assert [name for name, _ in traces() if name == "assignments"] == []


def test_a_run_that_copies_assignments_leaves_no_reference_to_the_erased(known, admin, monkeypatch):
    known.match(known.current)
    write = sync.bulk_upsert

    def late(*arguments):
        assert admin.delete(ADDRESS).json()["complete"] is True
        write(*arguments)

    monkeypatch.setattr(sync, "bulk_upsert", late)
    known.photos((ADA, BOB), first=20)
    run = known.run()

    assert traces() == []
    assert set(known.owners(run).values()) == {"bob", "eve"}


def test_a_decision_for_another_person_made_with_the_erased_on_the_screen_stays(known, admin):
    bob = known.label("p0.png", 1)
    seen = {"suggested": [ID], "title": NAME}
    decision = {"kind": "choose_profile", "cluster": bob, "user_id": "bob", "seen": seen}
    body = {"collection": known.name.path, "decisions": [decision]}
    assert admin.post("/api/v1/decisions/", body, format="json").status_code == 201
    ensure_projected(known.name.path)

    answer = admin.delete(ADDRESS).json()

    assert (answer["complete"], answer["removed"]["mongodb"]["decisions"]) == (True, 1)
    assert traces() == []
    known.photos((BOB,), first=20)
    assert known.owners(known.run())[known.label("p0.png", 1)] == "bob"
    activity = admin.get(f"/api/v1/activity/?collection={known.name.path}").json()
    assert [one["user_id"] for one in activity["decisions"]] == ["bob"]


def test_an_erased_person_is_not_matched_again(everywhere, admin):
    ada = everywhere.label("p0.png")
    admin.delete(ADDRESS)

    answer = everywhere.match(everywhere.current, overwrite=True)

    assert answer["unassigned_reasons"][ada] == "below_threshold"
    assert traces() == []


def test_a_run_after_an_erasure_brings_nothing_back(everywhere, admin):
    admin.delete(ADDRESS)
    everywhere.photos((ADA, EVE), first=20)

    after = everywhere.run()

    assert after.clusters_run != everywhere.current.id
    assert traces() == []
    assert "eve" in everywhere.owners(after).values()


def test_an_id_that_begins_or_ends_like_anothers_takes_nothing_of_theirs(known, people, admin):
    other = f"{ID}.2"
    people.enrol(other, 5)
    known.photos((5,), (5,), first=30)
    run = known.run()
    known.match(run)

    admin.delete(ADDRESS)

    assert other in known.owners(run).values()
    assert find_profile(other) is not None
    assert admin.get(f"/debug-profile/{other}").json()["assignments"]["total_clusters"] == 1


def test_erasing_an_unknown_person_is_404_and_changes_nothing(everywhere, admin):
    before = stored(), ImportedFile.objects.count(), Profile.objects.count()

    answer = admin.delete("/debug-profile/somebody-else")

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_profile")
    assert (stored(), ImportedFile.objects.count(), Profile.objects.count()) == before


def test_the_summary_of_a_person_counts_what_readers_see(known, admin):
    known.match(known.current)

    totals = admin.get(ADDRESS).json()["assignments"]

    assert totals["total_clusters"] == 1
    assert totals["total_faces"] == 3
    assert totals["bucket_breakdown"] == {known.name.path: {"clusters": 1, "faces": 3}}
    assert Assignment.objects(user_id=ID).first().similarity == totals["average_similarity"]

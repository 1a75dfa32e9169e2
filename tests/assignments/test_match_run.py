"""Matching a run with the profiles: what is saved, what is kept, reasons of the unassigned."""

import pytest

from assignments import services
from assignments.documents import MACHINE, AssignmentState, Strategy
from assignments.errors import NoProfiles
from assignments.match_run import match_run
from assignments.services import assign_run
from clustering.errors import NoSuchRun
from clustering.selectors import iter_clusters, iter_members
from profiles.services import hide_profile
from storage.errors import ModelMismatch
from tests.assignments.conftest import ADA, BOB, EVE, stored
from tests.profiles.painted import PeopleEngine

pytestmark = pytest.mark.services

UNTIMED = ("timestamp", "dry_run", "saved_to_db")


def untimed(answer):
    return {name: value for name, value in answer.items() if name not in UNTIMED}


def found(album, **rules):
    """Match without saving."""
    rules = {"strategy": Strategy.CENTROID, "threshold": 0.65, "margin": 0.02, **rules}
    return match_run(album.current, vectors=album.vectors, **rules)


def saved(album, matches, *, overwrite=False):
    return assign_run(
        album.current, matches, strategy=Strategy.CENTROID, overwrite=overwrite, dry_run=False
    )


@pytest.fixture
def before_saving(monkeypatch):
    """Let something happen after a matching was read, and before it is written."""

    def before(name, act):
        write = getattr(services, name)

        def late(*arguments):
            monkeypatch.setattr(services, name, write)
            act()
            return write(*arguments)

        monkeypatch.setattr(services, name, late)

    return before


@pytest.mark.parametrize("strategy", ["centroid", "vote"])
def test_clusters_are_assigned_to_their_people_and_strangers_stay_unassigned(family, strategy):
    answer = family.match(family.current, strategy=strategy)

    ada, bob, eve = (family.label("p0.png", index) for index in range(3))
    assert family.owners(family.current) == {ada: "ada", bob: "bob"}
    assert (answer["total_clusters"], answer["assigned_clusters"]) == (3, 2)
    assert answer["unassigned_reasons"] == {eve: "below_threshold"}
    assert answer["unassigned_cluster_ids"] == [eve]
    assert (answer["saved_to_db"], answer["kept"], answer["removed"]) == (True, 0, 0)
    held = family.held(family.current, ada)
    assert (held.strategy.value, held.decided_by, held.state.value) == (
        strategy,
        MACHINE,
        "assigned",
    )
    assert (held.face_count, held.threshold, held.margin) == (3, 0.65, 0.02)
    assert (held.runner_up, held.version) == ("bob", 1)
    assert held.similarity == answer["assignments"][ada]["similarity"] > 0.98
    assert answer["assignments"][ada]["runner_up"] == {
        "user_id": "bob",
        "similarity": held.runner_up_similarity,
    }


def test_an_answer_shows_the_typical_faces_and_their_photos(family):
    answer = family.match(family.current)

    members = [one for one in iter_members(family.current) if one.cluster == "cluster_0"]
    shown = answer["assignments"]["cluster_0"]
    assert shown["face_ids"] == [one.face for one in members]
    assert set(shown["image_paths"]) == {one.key for one in members}
    assert shown["face_count"] == len(members) == 3


def test_the_threshold_is_the_embedders_own_unless_another_is_named(family):
    assert family.match(family.current, dry_run=True)["threshold"] == 0.65

    strict = family.match(family.current, threshold=1.0)

    assert set(strict["unassigned_reasons"].values()) == {"below_threshold"}
    assert (strict["threshold"], strict["assigned_clusters"], stored()) == (1.0, 0, {})


def test_a_threshold_of_zero_is_not_taken_for_none(family):
    answer = family.match(family.current, threshold=0.0, margin=0.0)

    assert answer["threshold"] == 0.0


@pytest.mark.parametrize("strategy", ["centroid", "vote"])
def test_two_profiles_of_one_person_are_ambiguous_unless_the_margin_is_given_up(
    family, people, strategy
):
    people.enrol("ada.again", ADA, shade=9, force=True)
    ada = family.label("p0.png")

    answer = family.match(family.current, strategy=strategy)
    without = family.match(family.current, strategy=strategy, margin=0.0)

    assert answer["unassigned_reasons"][ada] == "ambiguous"
    assert without["assignments"][ada]["user_id"] in ("ada", "ada.again")
    assert answer["margin"] == 0.02


@pytest.mark.parametrize("strategy", ["centroid", "vote"])
def test_a_cluster_whose_vectors_are_gone_has_that_for_a_reason(family, strategy):
    bob = family.label("p0.png", 1)
    gone = [one.face for one in iter_members(family.current) if one.cluster == bob]
    family.vectors.delete(family.engine.embedder_id, gone)

    answer = family.match(family.current, strategy=strategy)

    assert answer["unassigned_reasons"][bob] == "no_vectors"
    assert answer["assigned_clusters"] == 1


def test_noise_takes_no_part(album, people):
    people.enrol("ada", ADA)
    run = album.cluster((ADA,), (BOB,), (BOB,))

    answer = album.match(run, threshold=0.0, margin=0.0)

    assert album.label("p0.png") == "noise"
    assert answer["total_clusters"] == 1
    assert list(answer["assignments"]) == [album.label("p1.png")]


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(family):
    dry = family.match(family.current, dry_run=True)

    assert stored() == {}
    assert dry["saved_to_db"] is False
    assert untimed(dry) == untimed(family.match(family.current))


def test_a_dry_run_that_would_remove_and_replace_writes_nothing_either(family):
    family.match(family.current)
    before = stored()

    gone = family.match(family.current, dry_run=True, overwrite=True, threshold=1.0)
    other = family.match(family.current, dry_run=True, overwrite=True, strategy="vote")

    assert (gone["removed"], other["assigned_clusters"]) == (2, 2)
    assert stored() == before


def test_what_is_there_stays_without_overwrite(family):
    family.match(family.current)
    before = stored()

    answer = family.match(family.current, strategy="vote", threshold=0.0, margin=0.0)

    assert answer["kept"] == 2
    assert {key: stored()[key] for key in before} == before


def test_overwrite_replaces_what_the_machine_said(family):
    family.match(family.current)

    answer = family.match(family.current, strategy="vote", overwrite=True, threshold=0.7)

    held = family.held(family.current, family.label("p0.png"))
    assert (answer["assigned_clusters"], answer["kept"]) == (2, 0)
    assert (held.strategy, held.threshold, held.version) == (Strategy.VOTE, 0.7, 2)


def test_overwrite_removes_what_no_longer_holds(family):
    family.match(family.current)

    answer = family.match(family.current, overwrite=True, threshold=1.0)

    assert (answer["removed"], stored()) == (2, {})


@pytest.mark.parametrize("asked", [{}, {"strategy": "vote"}, {"threshold": 1.0}])
@pytest.mark.parametrize(
    ("kind", "user_id"), [("confirm_profile", "ada"), ("choose_profile", "bob")]
)
def test_what_a_person_said_is_never_overwritten(family, kind, user_id, asked):
    family.match(family.current)
    ada = family.label("p0.png")
    family.decide(kind, ada, user_id)
    before = stored()[family.held(family.current, ada).id]

    answer = family.match(family.current, overwrite=True, **asked)

    assert stored()[before["_id"]] == before
    assert (before["user_id"], before["decided_by"]) == (user_id, "ada")
    assert answer["kept"] == 1
    assert ada not in {*answer["assignments"], *answer["unassigned_reasons"]}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("strategy", ["centroid", "vote"])
def test_a_rejected_person_is_not_proposed_again(family, strategy, overwrite):
    family.match(family.current)
    ada = family.label("p0.png")
    family.decide("reject_profile", ada, "ada")
    before = stored()[family.held(family.current, ada).id]

    answer = family.match(family.current, overwrite=overwrite, strategy=strategy)

    assert stored()[before["_id"]] == before
    assert (before["state"], before["rejected"]) == ("rejected", ["ada"])
    assert answer["unassigned_reasons"][ada] == "below_threshold"
    assert answer["removed"] == 0


def test_after_a_rejection_another_person_may_be_proposed(family, people):
    family.match(family.current)
    ada = family.label("p0.png")
    family.decide("reject_profile", ada, "ada")
    people.enrol("twin", ADA, shade=9, force=True)

    family.match(family.current)

    held = family.held(family.current, ada)
    assert (held.user_id, held.decided_by, held.rejected) == ("twin", MACHINE, ["ada"])
    assert held.state == AssignmentState.ASSIGNED
    family.match(family.current, overwrite=True, threshold=0.0, margin=0.0)
    assert family.held(family.current, ada).user_id == "twin"


def test_a_refusal_while_vectors_are_read_stays(family):
    family.match(family.current)
    ada = family.label("p0.png")
    matches = found(family)

    family.decide("reject_profile", ada, "ada")
    before = stored()[family.held(family.current, ada).id]
    done = saved(family, matches, overwrite=True)

    assert stored()[before["_id"]] == before
    assert (done.kept, len(done.matches)) == (1, 1)


def test_a_rejection_while_vectors_are_read_keeps_another_persons_assignment(family, people):
    matches = found(family)
    ada = family.label("p0.png")
    family.decide("reject_profile", ada, "ada")
    people.enrol("twin", ADA, shade=9, force=True)
    family.match(family.current)

    saved(family, matches, overwrite=True)

    assert family.held(family.current, ada).user_id == "twin"


@pytest.mark.parametrize("kind", ["confirm_profile", "reject_profile"])
def test_a_decision_just_before_a_replacement_is_written_stays(family, before_saving, kind):
    family.match(family.current)
    ada = family.label("p0.png")
    before_saving("bulk_replace", lambda: family.decide(kind, ada, "ada"))

    answer = family.match(family.current, overwrite=True, strategy="vote")

    held = family.held(family.current, ada)
    assert (held.decided_by, held.state.value) == ("ada", f"{kind.partition('_')[0]}ed")
    assert held.strategy == Strategy.CENTROID
    assert answer["kept"] == 1


def test_a_decision_just_before_a_removal_is_written_stays(family, before_saving):
    family.match(family.current)
    ada = family.label("p0.png")
    before_saving("bulk_delete_same", lambda: family.decide("confirm_profile", ada, "ada"))

    answer = family.match(family.current, overwrite=True, threshold=1.0)

    assert family.owners(family.current) == {ada: "ada"}
    assert answer["removed"] == 1


def test_a_decision_just_before_the_first_word_of_the_machine_stays(family, before_saving):
    ada = family.label("p0.png")
    before_saving("bulk_insert", lambda: family.decide("choose_profile", ada, "bob"))

    answer = family.match(family.current)

    assert family.held(family.current, ada).user_id == "bob"
    assert answer["kept"] == 1


def test_two_matchings_at_once_leave_one_word_for_each_cluster(family, before_saving):
    before_saving("bulk_insert", lambda: family.match(family.current, strategy="vote"))

    answer = family.match(family.current)

    assert answer["kept"] == 2
    assert {one["strategy"] for one in stored().values()} == {"vote"}
    assert len(stored()) == 2


def test_matching_without_profiles_is_refused(album):
    with pytest.raises(NoProfiles):
        album.match(album.cluster((ADA,), (ADA,)))


def test_profiles_of_another_embedder_only_are_a_mismatch(family, people):
    for user_id in ("ada", "bob"):
        people.erase_if_there(user_id)
    people.engine = PeopleEngine("other-vectors")
    people.enrol("ada", ADA)

    with pytest.raises(ModelMismatch, match="all 1 profiles"):
        family.match(family.current)


def test_a_profile_of_another_embedder_takes_no_part(family, people):
    people.erase_if_there("bob")
    people.engine = PeopleEngine("other-vectors")
    people.enrol("bob", BOB, force=True)

    answer = family.match(family.current)

    assert {one["user_id"] for one in answer["assignments"].values()} == {"ada"}
    assert answer["unassigned_reasons"][family.label("p0.png", 1)] == "below_threshold"


def test_a_person_being_erased_is_not_matched(family):
    hide_profile("ada")

    answer = family.match(family.current)

    assert {one["user_id"] for one in answer["assignments"].values()} == {"bob"}


def test_a_run_that_shares_anothers_groups_shares_their_assignments(family):
    family.match(family.current)
    before = stored()

    again = family.run()
    answer = family.match(again)

    assert again.shares_groups_of == family.current.id
    assert (answer["clustering_id"], answer["kept"]) == (again.id, 2)
    assert stored() == before
    assert family.owners(again) == family.owners(family.current)


def test_matching_a_run_that_shares_groups_is_matching_those(family):
    again = family.run()

    family.match(again)

    assert {one["run"] for one in stored().values()} == {family.current.id}


def test_a_rejected_person_is_not_proposed_in_a_run_that_shares_groups(family):
    family.match(family.current)
    ada = family.label("p0.png")
    family.decide("reject_profile", ada, "ada")
    again = family.run()
    assert again.shares_groups_of == family.current.id

    answer = family.match(again, overwrite=True)

    assert answer["unassigned_reasons"][ada] == "below_threshold"


def test_clusters_of_a_new_run_have_what_those_had_which_they_continue(family):
    family.match(family.current)
    family.decide("confirm_profile", family.label("p0.png", 1), "bob")
    family.photos((ADA, BOB), (BOB, 4), (4,), first=10)

    after = family.run()

    ada, bob = (
        family.held(after, family.label("p10.png")),
        family.held(after, family.label("p11.png")),
    )
    assert after.clusters_run != family.current.id
    assert (ada.user_id, ada.decided_by, ada.face_count) == ("ada", MACHINE, 4)
    assert (bob.user_id, bob.state.value, bob.face_count) == ("bob", "confirmed", 4)
    assert len(family.owners(after)) == 2
    assert family.owners(family.current)  # a run that is kept keeps its own


def test_a_run_without_clusters_cannot_be_matched(album, people):
    people.enrol("ada", ADA)
    album.photos((ADA,), (ADA,))

    with pytest.raises(NoSuchRun):
        album.match(album.start())


def test_a_run_of_noise_only_is_matched_with_nothing(album, people):
    people.enrol("ada", ADA)
    run = album.cluster((ADA,), (BOB,), (EVE,))

    for strategy in ("centroid", "vote"):
        answer = album.match(run, strategy=strategy)
        assert (answer["total_clusters"], answer["assignments"]) == (0, {})
    assert all(one.is_noise for one in iter_clusters(run))

"""Enrol, update, rename, drop and erase: what is stored, also under concurrent writes."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from profiles import selectors, services
from profiles.documents import Profile, ProfileState, ReferencePhoto, vector_from_bytes
from profiles.errors import (
    LastPhoto,
    LooksLikeAnother,
    NoSuchPhoto,
    NoSuchProfile,
    NotTheSamePerson,
    ProfileErasing,
    ProfileExists,
    TooManyPhotos,
)
from profiles.gallery import load_gallery
from storage.errors import ModelMismatch
from tests.profiles.painted import SAME_PERSON, PeopleEngine, photo_of

pytestmark = pytest.mark.services


def at_once(*calls):
    """Call all concurrently; return the results or the raised errors."""
    barrier = threading.Barrier(len(calls))

    def call(one):
        barrier.wait()
        try:
            return one()
        except Exception as refusal:  # noqa: BLE001 - compared by the test
            return refusal

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def test_a_photo_makes_a_profile(people):
    enrolled = people.enrol("ada", 1, name="Ada Lovelace")

    profile, reference = selectors.get_profile("ada"), enrolled.reference
    assert (profile.name, profile.version, profile.created_by) == ("Ada Lovelace", 1, "test")
    assert profile.references == [reference.id]
    assert (profile.embedder, profile.model) == ("painted-vectors", "painted+painted-vectors")
    assert profile.dimension == 32
    np.testing.assert_allclose(
        vector_from_bytes(profile.template), vector_from_bytes(reference.vector), atol=1e-6
    )
    assert people.stores.photos.read(reference.id) == photo_of(1)
    people.assert_only(reference.id)


@pytest.mark.parametrize("attempt", range(5))
def test_of_two_concurrent_enrolments_one_is_rejected_and_leaves_nothing(people, attempt):
    done = at_once(*[lambda shade=shade: people.enrol("ada", 1, shade=shade) for shade in range(4)])

    [won] = [one for one in done if isinstance(one, services.Enrolled)]
    assert {type(one) for one in done if one is not won} == {ProfileExists}
    assert selectors.get_profile("ada").references == [won.reference.id]
    people.assert_only(won.reference.id)


def test_ids_that_differ_in_case_are_two_people(people):
    people.enrol("Ada", 1)
    people.enrol("ada", 2)

    table = load_gallery("painted-vectors")
    assert sorted(table.user_ids) == ["Ada", "ada"]


def test_a_face_of_another_profile_is_rejected(people):
    people.enrol("ada", 1)

    with pytest.raises(LooksLikeAnother) as refused:
        people.enrol("eve", 1, shade=3)

    assert refused.value.extra["user_id"] == "ada"
    assert refused.value.extra["similarity"] > SAME_PERSON
    assert selectors.find_profile("eve") is None
    assert people.enrol("eve", 1, shade=3, force=True).profile.user_id == "eve"


def test_photos_added_concurrently_are_all_active(people):
    first = people.enrol("ada", 1)

    done = at_once(
        *[lambda shade=shade: people.update("ada", 1, shade=shade) for shade in range(1, 7)]
    )

    profile = selectors.get_profile("ada")
    assert set(profile.references) == {first.reference.id, *(one.reference.id for one in done)}
    assert profile.version == 7
    assert len(profile.references) == 7
    people.assert_only(*profile.references)


def test_the_same_photo_added_at_once_is_stored_once(people):
    people.enrol("ada", 1)

    done = at_once(*[lambda: people.update("ada", 1, shade=9)] * 4)

    assert len({one.reference.id for one in done}) == 1
    assert len(selectors.get_profile("ada").references) == 2
    people.assert_only(*selectors.get_profile("ada").references)


def test_a_photo_that_is_there_already_is_answered_as_before(people):
    first = people.enrol("ada", 1)

    again = people.update("ada", 1)

    assert again.reference.id == first.reference.id
    assert again.profile.version == 1
    people.assert_only(first.reference.id)


def test_a_template_is_the_weighted_mean_of_the_photos(people):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=40)

    profile = selectors.get_profile("ada")
    references = selectors.list_references(profile, with_vectors=True)
    mean = sum(one.quality_score * vector_from_bytes(one.vector) for one in references)
    np.testing.assert_allclose(
        vector_from_bytes(profile.template), mean / np.linalg.norm(mean), atol=1e-6
    )
    assert profile.quality_score == max(one.quality_score for one in references)


def test_replacing_removes_the_earlier_photos(people):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=1)

    replaced = people.update("ada", 1, shade=2, mode="replace")

    assert selectors.get_profile("ada").references == [replaced.reference.id]
    people.assert_only(replaced.reference.id)


def test_replacing_by_a_photo_that_is_there_keeps_that_one(people):
    first = people.enrol("ada", 1)
    people.update("ada", 1, shade=1)

    replaced = people.update("ada", 1, mode="replace")

    assert replaced.reference.id == first.reference.id
    people.assert_only(first.reference.id)


def test_replacements_at_once_leave_one_photo(people):
    people.enrol("ada", 1)

    at_once(
        *[
            lambda shade=shade: people.update("ada", 1, shade=shade, mode="replace")
            for shade in range(1, 5)
        ]
    )

    [left] = selectors.get_profile("ada").references
    people.assert_only(left)


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_a_face_of_another_person_is_rejected(people, mode):
    people.enrol("ada", 1)

    with pytest.raises(NotTheSamePerson) as refused:
        people.update("ada", 2, mode=mode)

    assert refused.value.extra["similarity"] < SAME_PERSON
    people.assert_only(*selectors.get_profile("ada").references)
    assert people.update("ada", 2, mode=mode, force=True).profile.version == 2


def test_a_face_that_is_nearer_to_another_profile_is_refused(people, monkeypatch):
    people.enrol("ada", 1)
    people.enrol("twin", 1, shade=7, force=True)

    with pytest.raises(LooksLikeAnother) as refused:
        people.update("ada", 1, shade=7)

    assert refused.value.extra["user_id"] == "twin"


def test_unknown_people_cannot_be_updated_renamed_or_erased(people):
    calls = (
        lambda: people.update("ada", 1),
        lambda: services.rename_profile("ada", "Ada"),
        lambda: services.drop_reference("ada", "x", stores=people.stores),
        lambda: services.erase_profile("ada", people.stores),
    )

    for call in calls:
        with pytest.raises(NoSuchProfile):
            call()
    people.assert_only()


def test_a_profile_has_so_many_photos_at_most(people, monkeypatch):
    monkeypatch.setattr(services, "MAX_PHOTOS", 3)
    people.enrol("ada", 1)
    done = at_once(
        *[lambda shade=shade: people.update("ada", 1, shade=shade) for shade in range(1, 5)]
    )

    refused = [one for one in done if isinstance(one, TooManyPhotos)]
    assert len(refused) == 2
    people.assert_only(*selectors.get_profile("ada").references)
    assert people.update("ada", 1, mode="replace", shade=9).profile.version == 4


def test_vectors_of_two_models_do_not_mix(people):
    people.enrol("ada", 1)
    people.engine = PeopleEngine("other-vectors")

    for mode in ("add", "replace"):
        with pytest.raises(ModelMismatch):
            people.update("ada", 1, mode=mode)
    with pytest.raises(ModelMismatch):
        people.update("ada", 1, mode="add", force=True)
    replaced = people.update("ada", 1, mode="replace", force=True)

    assert selectors.get_profile("ada").embedder == "other-vectors"
    people.assert_only(replaced.reference.id)


def test_a_template_table_holds_one_model_s_people(people):
    people.enrol("ada", 1, name="Ada")
    people.engine = PeopleEngine("other-vectors")
    people.enrol("eve", 2)

    table = load_gallery("painted-vectors")
    nobody = load_gallery("unheard-of")

    assert (table.user_ids, table.names, table.others) == (["ada"], {"ada": "Ada"}, 1)
    assert table.templates.shape == (1, 32)
    assert table.templates.dtype == np.float32
    assert (nobody.user_ids, nobody.others, len(nobody.templates)) == ([], 2, 0)


def test_a_template_table_is_read_again_after_every_change_and_only_then(people):
    people.enrol("ada", 1)
    people.enrol("eve", 2)
    tables = [load_gallery("painted-vectors")]
    assert load_gallery("painted-vectors") is tables[0]

    second = people.update("ada", 1, shade=1)
    tables.append(load_gallery("painted-vectors"))
    services.drop_reference("ada", second.reference.id, stores=people.stores)
    tables.append(load_gallery("painted-vectors"))
    services.rename_profile("ada", "Ada")
    tables.append(load_gallery("painted-vectors"))
    services.erase_profile("eve", people.stores)
    tables.append(load_gallery("painted-vectors"))

    templates = [one.templates[one.user_ids.index("ada")].tobytes() for one in tables]
    assert templates[0] != templates[1] != templates[2] == templates[0]
    assert [one.names["ada"] for one in tables[2:]] == ["", "Ada", "Ada"]
    assert (len(tables[3].user_ids), tables[4].user_ids) == (2, ["ada"])
    assert load_gallery("painted-vectors") is tables[4]


def test_reference_vectors_are_those_of_active_photos(people):
    people.enrol("ada", 1)
    second = people.update("ada", 1, shade=1, mode="replace")
    people.enrol("eve", 2)
    ReferencePhoto.objects(id=second.reference.id).first().modify(set__embedder="other")

    owners, ids, vectors = selectors.get_reference_vectors(
        ["ada", "eve", "nobody"], "painted-vectors"
    )

    assert owners == ["eve"]
    assert ids == selectors.get_profile("eve").references
    assert vectors.shape == (1, 32)


def test_renaming_keeps_everything_else(people):
    people.enrol("ada", 1, name="Ada")

    renamed = services.rename_profile("ada", "Ada Lovelace")

    assert (renamed.name, renamed.version) == ("Ada Lovelace", 2)
    assert selectors.get_profile("ada").search == "ada lovelace\tada"


def test_a_rename_and_a_photo_at_once_both_count(people):
    people.enrol("ada", 1)

    at_once(
        lambda: services.rename_profile("ada", "Ada"),
        lambda: people.update("ada", 1, shade=1),
        lambda: services.rename_profile("ada", "Ada"),
        lambda: people.update("ada", 1, shade=2),
    )

    profile = selectors.get_profile("ada")
    assert (profile.name, len(profile.references), profile.version) == ("Ada", 3, 5)


def test_a_photo_is_dropped_with_its_files(people):
    first = people.enrol("ada", 1)
    second = people.update("ada", 1, shade=1)

    profile = services.drop_reference("ada", first.reference.id, stores=people.stores)

    assert profile.references == [second.reference.id]
    np.testing.assert_allclose(
        vector_from_bytes(profile.template), vector_from_bytes(second.reference.vector), atol=1e-6
    )
    people.assert_only(second.reference.id)
    with pytest.raises(NoSuchPhoto):
        services.drop_reference("ada", first.reference.id, stores=people.stores)


def test_the_last_photo_stays_under_concurrent_removals(people):
    ids = [people.enrol("ada", 1).reference.id]
    ids += [people.update("ada", 1, shade=shade).reference.id for shade in (1, 2)]

    done = at_once(
        *[lambda one=one: services.drop_reference("ada", one, stores=people.stores) for one in ids]
    )

    assert sum(isinstance(one, LastPhoto) for one in done) == 1
    people.assert_only(*selectors.get_profile("ada").references)


def test_erasing_removes_all_of_one_person(people):
    people.enrol("ada", 1)
    people.update("ada", 1, shade=1)
    other = people.enrol("eve", 2)

    receipt = services.erase_profile("ada", people.stores)

    assert receipt.removed == services.Counts(photos=2, crops=2, references=2, templates=1)
    assert receipt.left == services.Counts(0, 0, 0, 0)
    assert receipt.is_complete
    people.assert_only(other.reference.id)
    with pytest.raises(NoSuchProfile):
        selectors.get_profile("ada")


def test_a_person_being_erased_is_not_found(people):
    people.enrol("ada", 1)
    services.hide_profile("ada")

    assert selectors.list_erasing_profiles() == ["ada"]
    assert selectors.count_profiles() == 0
    assert selectors.list_profiles(limit=10).profiles == []
    assert load_gallery("painted-vectors").user_ids == []
    assert selectors.get_reference_vectors(["ada"], "painted-vectors")[0] == []
    for call in (lambda: people.update("ada", 1, shade=1), lambda: selectors.get_profile("ada")):
        with pytest.raises(NoSuchProfile):
            call()
    with pytest.raises(ProfileErasing):
        people.enrol("ada", 1)
    assert services.erase_profile("ada", people.stores).is_complete
    people.assert_only()
    assert people.enrol("ada", 1).profile.state == ProfileState.ACTIVE


def test_an_erasure_and_photos_at_once_leave_nothing(people):
    people.enrol("ada", 1)

    at_once(
        lambda: services.erase_profile("ada", people.stores),
        *[lambda shade=shade: people.update("ada", 1, shade=shade) for shade in range(1, 5)],
    )

    assert Profile.objects.first() is None
    people.assert_only()


def test_a_photo_on_its_way_does_not_reach_a_person_enrolled_anew(people):
    people.enrol("ada", 1)
    before = selectors.get_profile("ada")
    photo = selectors.list_references(before, with_vectors=True)
    services.erase_profile("ada", people.stores)
    anew = people.enrol("ada", 2)

    assert services.switch_photos(before, photo) is None
    assert selectors.get_profile("ada").references == [anew.reference.id]

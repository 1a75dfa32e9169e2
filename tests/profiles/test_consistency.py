"""Remains of a crash between two writes are found and removed: /api/v1/profiles/verify/."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from profiles import selectors, services
from profiles.consistency import GRACE, check_profiles, repair_profiles
from profiles.documents import Profile, ReferencePhoto
from profiles.errors import NoSuchProfile
from storage.errors import StoreUnavailable
from storage.pictures import PictureStore
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services

ADDRESS = "/api/v1/profiles/verify/"
DOCUMENT_WRITES = ("insert_one", "find_one_and_update", "delete_many", "bulk_write", "update_one")
MANY = 20  # more than any change makes


class Failing:
    """Let the n-th write fail, before or after it reached its store."""

    def __init__(self, monkeypatch, number, *, after):
        self.left, self.after, self.failed = number, after, False
        for name in DOCUMENT_WRITES:
            self._wrap(monkeypatch, Collection, name, AutoReconnect("away"))
        for name in ("save", "delete"):
            self._wrap(monkeypatch, PictureStore, name, StoreUnavailable("away", store="crops"))

    def _wrap(self, monkeypatch, kind, name, error):
        write = getattr(kind, name)

        def failing(*args, **kwargs):
            self.left -= 1
            if self.left == 0 and not self.after:
                self.failed = True
                raise error
            done = write(*args, **kwargs)
            if self.left == 0:
                self.failed = True
                raise error
            return done

        monkeypatch.setattr(kind, name, failing)


def later():
    return timezone.now() + GRACE + timedelta(seconds=1)


def put_right(people):
    """Repair, and assert that everything stored belongs to active photos."""
    repair_profiles(check_profiles(people.stores, now=later()), people.stores)
    report = check_profiles(people.stores, now=later())
    assert report.is_consistent, report
    people.assert_only(*[one for profile in Profile.objects for one in profile.references])


def failing_at_each_write(monkeypatch, prepare, change, check, *, after):
    """Prepare, let a change fail at its first write, then at its second, until it comes through."""
    for number in range(1, MANY):
        prepare()
        with monkeypatch.context() as patch:
            failing = Failing(patch, number, after=after)
            try:
                change()
            except (AutoReconnect, StoreUnavailable):
                assert failing.failed
        check()
        if not failing.failed:
            return number - 1
    raise AssertionError("it never came through")


def empty(people):
    for profile in list(Profile.objects):
        services.erase_profile(profile.user_id, people.stores)


@pytest.mark.parametrize("after", [False, True])
def test_an_enrolment_cut_short_leaves_nothing_that_stays(people, monkeypatch, after):
    def check():
        put_right(people)
        if selectors.find_profile("ada") is None:
            people.enrol("ada", 1)
        assert selectors.get_profile("ada").version == 1
        put_right(people)

    writes = failing_at_each_write(
        monkeypatch,
        lambda: empty(people),
        lambda: people.enrol("ada", 1),
        check,
        after=after,
    )

    assert writes == 4


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("mode", "expected"), [("add", 4), ("replace", 7)])
def test_an_update_cut_short_leaves_the_old_or_the_new(people, monkeypatch, mode, expected, after):
    def prepare():
        empty(people)
        people.enrol("ada", 1)

    def check():
        put_right(people)
        before = selectors.get_profile("ada")
        assert before.version in (1, 2)
        people.update("ada", 1, shade=1, mode=mode)
        assert selectors.get_profile("ada").version == 2
        put_right(people)

    writes = failing_at_each_write(
        monkeypatch,
        prepare,
        lambda: people.update("ada", 1, shade=1, mode=mode),
        check,
        after=after,
    )

    assert writes == expected


@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_removal_leaves_the_photo_active_or_removed(people, monkeypatch, after):
    dropped = []

    def prepare():
        empty(people)
        dropped[:] = [people.enrol("ada", 1).reference.id]
        people.update("ada", 1, shade=1)

    writes = failing_at_each_write(
        monkeypatch,
        prepare,
        lambda: services.drop_reference("ada", dropped[0], stores=people.stores),
        lambda: put_right(people),
        after=after,
    )

    assert writes == 4


@pytest.mark.parametrize("after", [False, True])
def test_an_erasure_cut_short_is_finished_by_repeating_it(people, monkeypatch, after):
    def prepare():
        people.enrol("ada", 1)
        people.update("ada", 1, shade=1)

    def check():
        if (found := selectors.find_profile("ada")) is not None and found.state == "active":
            assert people.files() == (set(found.references),) * 2  # nothing had begun
        try:
            assert services.erase_profile("ada", people.stores).is_complete
        except NoSuchProfile:
            assert selectors.find_profile("ada") is None
        people.assert_only()

    writes = failing_at_each_write(
        monkeypatch,
        prepare,
        lambda: services.erase_profile("ada", people.stores),
        check,
        after=after,
    )

    assert writes == 5


def test_erasing_finds_what_an_update_left_behind(people, monkeypatch):
    people.enrol("ada", 1)
    with monkeypatch.context() as patch:
        Failing(patch, 4, after=False)
        with pytest.raises(AutoReconnect):
            people.update("ada", 1, shade=1)

    receipt = services.erase_profile("ada", people.stores)

    assert receipt.removed == services.Counts(photos=2, crops=2, references=2, templates=1)
    people.assert_only()


def leftover_of(people, user_id, **fields):
    """Write a photo that never became active."""
    enrolled = people.enrol(user_id, 200)
    Profile.objects(user_id=user_id).delete()
    ReferencePhoto.objects(id=enrolled.reference.id).update_one(**fields)
    return enrolled.reference.id


def test_the_stores_are_compared_and_repaired(people, admin):
    people.enrol("ada", 1)
    old = leftover_of(people, "eve", set__created_at=timezone.now() - 2 * GRACE)
    young = leftover_of(people, "bob", set__added_by="test")

    found = admin.get(ADDRESS).json()
    mended = admin.post(ADDRESS).json()

    assert found == {
        "consistent": False,
        "profiles": 1,
        "reference_photos": 3,
        "leftovers": [old],
        "erasing": [],
        "incomplete_profiles": [],
        "missing_photos": [],
        "missing_crops": [],
        "damaged_photos": [],
        "damaged_crops": [],
    }
    assert mended["repair"] == {"leftovers_removed": 1, "profiles_recomputed": 0}
    assert mended["consistent"] is True
    people.assert_only(*selectors.get_profile("ada").references, young)


def test_a_profile_that_names_a_lost_photo_is_computed_anew(people, admin):
    first = people.enrol("ada", 1).reference.id
    second = people.update("ada", 1, shade=1).reference.id
    ReferencePhoto.objects(id=first).delete()

    found, mended = admin.get(ADDRESS).json(), admin.post(ADDRESS).json()

    assert found["incomplete_profiles"] == ["ada"]
    assert mended["repair"]["profiles_recomputed"] == 1
    assert selectors.get_profile("ada").references == [second]


def test_lost_files_and_unfinished_erasures_are_reported(people, admin):
    first = people.enrol("ada", 1).reference.id
    people.enrol("eve", 2)
    people.stores.photos.delete([first])
    people.stores.crops.delete([first])
    services.hide_profile("eve")

    mended = admin.post(ADDRESS).json()

    assert mended["consistent"] is False
    assert (mended["missing_photos"], mended["missing_crops"]) == ([first], [first])
    assert mended["erasing"] == ["eve"]


def test_damaged_files_are_told_and_never_called_consistent(people, admin):
    ids = [people.enrol(f"person-{number}", 40 * number).reference.id for number in range(1, 4)]
    photo, crop = people.stores.photos.read(ids[0]), people.stores.crops.read(ids[0])
    people.stores.photos.save(ids[0], b"")
    people.stores.photos.save(ids[1], photo[:-1])
    people.stores.crops.save(ids[1], b"")
    people.stores.crops.save(ids[2], crop[: len(crop) // 2])

    mended = admin.post(ADDRESS).json()

    assert mended["consistent"] is False
    assert sorted(mended["damaged_photos"]) == sorted(ids[:2])
    assert sorted(mended["damaged_crops"]) == sorted(ids[1:])
    assert (mended["missing_photos"], mended["missing_crops"]) == ([], [])


def test_admins_only(people, viewer, reviewer, client):
    for one in (viewer, reviewer):
        assert (one.get(ADDRESS).status_code, one.post(ADDRESS).status_code) == (403, 403)
    assert client.get(ADDRESS).status_code == 401


@pytest.mark.parametrize("number", range(1, 5))
def test_a_store_that_is_away_is_503(people, reviewer, send, monkeypatch, number):
    Failing(monkeypatch, number, after=False)

    answer = send(reviewer, "post", "/detect-face", photo_of(1), user_id="ada")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]

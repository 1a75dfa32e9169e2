"""The page of a person: photos, clusters in every collection, and what reviewers change there."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from profiles.selectors import get_profile
from review.views import person as page
from tests.assignments.conftest import ADA, BOB
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services

ADDRESS = "/profiles/ada/"
HTML = {"Accept": "text/html"}
STRANGE = "A.da_1-x@example.org"


def upload(photo, name="photo.png"):
    return SimpleUploadedFile(name, photo, "image/png")


def part(target):
    return {"HX-Request": "true", "HX-Target": target}


@pytest.fixture
def ada(people):
    """Ada with two photos and no assigned cluster yet."""
    people.enrol("ada", ADA, name="Ada <b>")
    people.update("ada", ADA, shade=1)
    return people


@pytest.fixture
def add(ada, page_of):
    browser = page_of("reviewer")

    def add(*photos, headers=None, **fields):
        files = [upload(one, f"photo-{number}.png") for number, one in enumerate(photos)]
        return browser.post(f"{ADDRESS}photos/", {**fields, "photos": files}, headers=headers)

    return add


def test_the_page_shows_photos_with_their_quality_and_no_cluster_yet(ada, page_of):
    body = page_of("viewer").get(ADDRESS).content.decode()

    for one in get_profile("ada").references:
        assert f"/api/v1/profiles/ada/photos/{one}/crop/" in body
    assert "Ada &lt;b&gt;" in body
    assert "<b>" not in body
    assert "Sharpness" in body
    assert "by test" in body
    assert "Not assigned in any collection yet" in body
    assert 'method="post"' not in body.partition("<main")[2]  # nothing for viewers to change


def test_the_page_lists_clusters_of_every_collection_with_totals(matched, page_of):
    body = page_of("viewer").get(ADDRESS).content.decode()

    path = f"/collections/{matched.name.path}/"
    assert f'href="{path}-/{matched.ada}/"' in body
    assert f'href="{path}"' in body
    assert "1 assignment · 3 faces" in body
    assert f"{matched.bob} ·" not in body
    assert "/crop/" in body


def test_clusters_are_paged_and_htmx_gets_them_without_the_page(
    people, album, page_of, monkeypatch
):
    monkeypatch.setattr(page, "CLUSTERS_PER_PAGE", 1)
    people.enrol("ada", ADA)
    run = album.cluster((ADA, BOB), (ADA, BOB))
    album.match(run)
    album.decide("choose_profile", album.label("p0.png", 1), "ada")
    browser = page_of("viewer")

    first = browser.get(ADDRESS)
    second = browser.get(
        ADDRESS, {"cursor": first.context["next"]}, headers=part("profile-clusters")
    )

    labels = [one.context["cards"][0].cluster.label for one in (first, second)]
    assert labels == [album.label("p0.png", 1), album.label("p0.png", 0)]  # the newest first
    assert "More assignments" in first.content.decode()
    assert "<html" not in second.content.decode()
    assert second.context["next"] is None


def test_an_unknown_person_is_404_and_a_malformed_id_400(people, page_of):
    browser = page_of("viewer")

    assert browser.get("/profiles/nobody/", headers=HTML).status_code == 404
    assert browser.get("/profiles/a%20b/", headers=HTML).status_code == 400
    assert browser.get("/profiles/a%2Fb/", headers=HTML).status_code == 404


def test_any_id_that_rest_takes_has_a_page(people, page_of):
    people.enrol(STRANGE, ADA)
    browser = page_of("reviewer")
    address = reverse("profile", kwargs={"user_id": STRANGE})

    assert browser.get(address).status_code == 200
    assert browser.post(f"{address}rename/", {"name": "Ada"})["Location"] == address


def test_a_person_is_renamed_by_a_plain_form(ada, page_of):
    answer = page_of("reviewer").post(f"{ADDRESS}rename/", {"name": "Ada Lovelace"})

    assert (answer.status_code, answer["Location"]) == (303, ADDRESS)
    assert get_profile("ada").name == "Ada Lovelace"


@pytest.mark.parametrize("name", ["n" * 101, "two\u2028lines", "a\x00b"])
def test_a_refused_name_is_told_beside_its_form(ada, page_of, name):
    browser = page_of("reviewer")

    swapped = browser.post(f"{ADDRESS}rename/", {"name": name}, headers=part("profile-rename"))
    whole = browser.post(f"{ADDRESS}rename/", {"name": name})

    assert (swapped.status_code, whole.status_code) == (422, 422)
    assert "<html" not in swapped.content.decode()
    assert "<html" in whole.content.decode()
    assert f'value="{name}"' in whole.content.decode()
    assert 'role="alert"' in whole.content.decode()
    assert get_profile("ada").name == "Ada <b>"


def test_photos_are_added_by_a_plain_form(add):
    answer = add(photo_of(ADA, shade=2), photo_of(ADA, shade=3))

    assert (answer.status_code, answer["Location"]) == (303, ADDRESS)
    assert len(get_profile("ada").references) == 4


def test_photos_added_by_htmx_move_on_by_its_header(add):
    answer = add(photo_of(ADA, shade=2), headers=part("reference-form"))

    assert answer.status_code == 204
    assert ADDRESS in answer["HX-Location"]


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (photo_of(), "There is no face in the photo"),
        (photo_of(ADA, BOB), "There are 2 faces in the photo"),
        (photo_of(ADA, blurred={ADA}), "Too blurry"),
        (b"words", "not an image"),
    ],
)
def test_a_refused_photo_is_told_beside_its_form(add, photo, words):
    answer = add(photo, headers=part("reference-form"))

    body = answer.content.decode()
    assert answer.status_code == 422
    assert words.lower() in body.lower()
    assert 'id="reference-form"' in body
    assert "<html" not in body
    assert len(get_profile("ada").references) == 2


def test_a_photo_of_another_person_is_added_only_with_the_box_offered_then(add):
    refused = add(photo_of(BOB))
    forced = add(photo_of(BOB), force="on")

    body = refused.content.decode()
    assert refused.status_code == 422
    assert "does not look like ada" in body
    assert 'name="force"' in body
    assert "<html" in body
    assert forced.status_code == 303
    assert len(get_profile("ada").references) == 3


def test_a_photo_that_another_is_nearer_to_shows_who_that_is(add, ada):
    ada.enrol("eve", ADA, force=True, shade=9)

    answer = add(photo_of(ADA, shade=9))

    assert answer.status_code == 422
    assert "The face looks like eve" in answer.content.decode()
    assert 'href="/profiles/eve/"' in answer.content.decode()


def test_photos_of_another_model_are_replaced_with_both_boxes(add, ada):
    ada.engine.embedder_id = "newer-vectors"

    refused = add(photo_of(ADA, shade=5))
    replaced = add(photo_of(ADA, shade=5), force="on", replace="on")

    assert refused.status_code == 422
    assert "Tick both boxes" in refused.content.decode()
    assert replaced.status_code == 303
    assert get_profile("ada").embedder == "newer-vectors"
    assert len(get_profile("ada").references) == 1


def test_a_profile_that_is_full_says_so_beside_the_form(add, monkeypatch):
    monkeypatch.setattr("profiles.services.MAX_PHOTOS", 2)

    answer = add(photo_of(ADA, shade=2))

    assert answer.status_code == 422
    assert "remove one first" in answer.content.decode()


def test_a_photo_is_dropped_and_the_last_one_stays(ada, page_of):
    browser = page_of("reviewer")
    first, second = get_profile("ada").references

    dropped = browser.post(f"{ADDRESS}photos/{first}/drop/")
    kept = browser.post(f"{ADDRESS}photos/{second}/drop/")
    swapped = browser.post(f"{ADDRESS}photos/{second}/drop/", headers=part("references"))

    assert (dropped.status_code, dropped["Location"]) == (303, ADDRESS)
    assert (kept.status_code, swapped.status_code) == (422, 422)
    assert "This is the only photo of ada" in kept.content.decode()
    assert "This is the only photo of ada" in swapped.content.decode()
    assert "<html" not in swapped.content.decode()
    assert get_profile("ada").references == [second]
    ada.assert_only(second)


def test_a_photo_that_is_not_the_persons_is_404(ada, page_of):
    ada.enrol("bob", BOB)
    [bobs] = get_profile("bob").references

    answer = page_of("reviewer").post(f"{ADDRESS}photos/{bobs}/drop/", headers=HTML)

    assert answer.status_code == 404
    assert get_profile("bob").references == [bobs]


def test_writes_about_an_unknown_person_are_404(people, page_of):
    browser = page_of("reviewer")

    for action in ("rename/", "photos/", "photos/x/drop/"):
        assert browser.post(f"/profiles/nobody/{action}", headers=HTML).status_code == 404


def test_viewers_change_nothing(ada, page_of):
    browser = page_of("viewer")
    [first, _] = get_profile("ada").references

    for action in ("rename/", "photos/", f"photos/{first}/drop/", "erase/"):
        assert browser.post(f"{ADDRESS}{action}", {"name": "Eve"}).status_code == 403
    assert get_profile("ada").name == "Ada <b>"
    assert len(get_profile("ada").references) == 2


def test_strangers_are_sent_to_log_in(ada, client, db):
    for action in ("", "erase/"):
        answer = client.get(f"{ADDRESS}{action}")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/")
    assert client.post(f"{ADDRESS}rename/", {"name": "Eve"}).status_code == 302
    assert get_profile("ada").name == "Ada <b>"


def test_only_admins_are_offered_the_erasure(ada, page_of, client):
    reviewers = page_of("reviewer").get(ADDRESS).content.decode()
    client.logout()
    admins = page_of("admin").get(ADDRESS).content.decode()

    assert f"{ADDRESS}erase/" not in reviewers
    assert f"{ADDRESS}erase/" in admins

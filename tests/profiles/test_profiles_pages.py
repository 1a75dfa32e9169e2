"""People pages: the list, and enrolment with the form."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from profiles import views
from profiles.documents import Profile
from profiles.selectors import get_profile
from profiles.services import hide_profile
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services

LIST, ENROL = "/profiles/", "/profiles/enrol/"
PART = {"HX-Request": "true", "HX-Target": "people"}
FORM_PART = {"HX-Request": "true", "HX-Target": "enrol-form"}


def upload(photo, name="photo.png"):
    return SimpleUploadedFile(name, photo, "image/png")


def send(browser, *photos, headers=None, **fields):
    files = [
        one if isinstance(one, SimpleUploadedFile) else upload(one, f"photo-{number}.png")
        for number, one in enumerate(photos)
    ]
    return browser.post(ENROL, {**fields, "photos": files}, headers=headers)


def test_the_empty_list_says_what_to_do(people, page_of):
    body = page_of("reviewer").get(LIST).content.decode()

    assert "No person is enrolled yet" in body
    assert f'href="{ENROL}"' in body


def test_the_list_shows_people_with_face_name_id_and_photos(people, page_of):
    people.enrol("ada@home", 1, name="Ada Lovelace")
    people.update("ada@home", 1, shade=1)
    [first, _] = get_profile("ada@home").references

    body = page_of("viewer").get(LIST).content.decode()

    assert 'href="/profiles/ada@home/"' in body
    assert f"/api/v1/profiles/ada@home/photos/{first}/crop/" in body
    assert "Ada Lovelace" in body
    assert "2 photos" in body
    assert ENROL not in body


def test_crops_of_the_list_are_shown_to_all_roles_that_see_the_list(people, page_of):
    people.enrol("ada", 1)
    [first] = get_profile("ada").references

    answer = page_of("viewer").get(f"/api/v1/profiles/ada/photos/{first}/crop/")

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")


def test_the_list_is_searched_by_how_a_name_or_id_begins(people, page_of):
    people.enrol("u1", 1, name="Ada Lovelace")
    people.enrol("u2", 2, name="Grace Hopper")
    browser = page_of("viewer")

    by_name = browser.get(LIST, {"q": "gra"}).content.decode()
    by_id = browser.get(LIST, {"q": "U1"}).content.decode()
    nobody = browser.get(LIST, {"q": "<zoe>"}).content.decode()

    assert "Grace" in by_name
    assert "Ada" not in by_name
    assert "Ada" in by_id
    assert "Grace" not in by_id
    assert "begins with “&lt;zoe&gt;”" in nobody


def test_htmx_gets_the_people_without_the_page(people, page_of):
    people.enrol("ada", 1)

    body = page_of("viewer").get(LIST, {"q": "a"}, headers=PART).content.decode()

    assert 'id="people"' in body
    assert "<html" not in body


@pytest.mark.parametrize("q", ["", "u"])
def test_more_people_are_on_the_next_page(people, page_of, monkeypatch, q):
    monkeypatch.setattr(views, "PEOPLE_PER_PAGE", 2)
    for number in (1, 2, 3):
        people.enrol(f"u{number}", number, name=f"U{number}")
    browser = page_of("viewer")

    first = browser.get(LIST, {"q": q})
    second = browser.get(LIST, {"q": q, "cursor": first.context["next"]})

    assert "More people" in first.content.decode()
    assert [one.user_id for one in first.context["people"]] == ["u1", "u2"]
    assert [one.user_id for one in second.context["people"]] == ["u3"]
    assert second.context["next"] is None


def test_a_cursor_of_another_list_is_refused_with_a_page(people, page_of):
    answer = page_of("viewer").get(LIST, {"cursor": "bm8"}, headers={"Accept": "text/html"})

    assert answer.status_code == 400
    assert "does not belong to this list" in answer.content.decode()


def test_markup_in_a_name_is_only_text(people, page_of):
    people.enrol("ada", 1, name="<script>alert(1)</script>")

    body = page_of("viewer").get(LIST).content.decode()

    assert "<script>alert" not in body
    assert "&lt;script&gt;alert(1)" in body


def test_admins_see_interrupted_erasures(people, page_of, client):
    people.enrol("ada", 1)
    hide_profile("ada")

    admins = page_of("admin").get(LIST).content.decode()
    client.logout()
    viewers = page_of("viewer").get(LIST).content.decode()

    assert 'href="/profiles/ada/erase/"' in admins
    assert "ada" not in viewers


def test_the_form_takes_photos_and_a_camera_without_any_script(people, page_of):
    body = page_of("reviewer").get(ENROL).content.decode()

    assert 'enctype="multipart/form-data"' in body
    assert 'accept="image/*,.heic"' in body
    assert 'capture="user"' in body
    assert body.count('name="photos"') == 2
    assert 'name="force"' not in body


def test_a_plain_form_enrols_and_leads_to_the_person(people, page_of):
    answer = send(page_of("reviewer"), photo_of(1), user_id=" ada@home ", name="Ada")

    profile = get_profile("ada@home")
    assert (answer.status_code, answer["Location"]) == (303, "/profiles/ada@home/")
    assert (profile.name, profile.created_by) == ("Ada", "reviewer-person")
    people.assert_only(*profile.references)


def test_a_form_sent_by_htmx_moves_on_by_its_header(people, page_of):
    answer = send(page_of("reviewer"), photo_of(1), user_id="ada", headers=FORM_PART)

    assert answer.status_code == 204
    assert '"/profiles/ada/"' in answer["HX-Location"]


def test_several_photos_of_one_person_all_join(people, page_of):
    send(page_of("reviewer"), photo_of(1), photo_of(1, shade=1), photo_of(1), user_id="ada")

    profile = get_profile("ada")
    assert len(profile.references) == 2  # the third was the first
    people.assert_only(*profile.references)


def test_a_photo_of_another_person_is_left_out_and_reported(people, page_of):
    browser = page_of("reviewer")

    answer = send(browser, photo_of(1), photo_of(2), photo_of(1, shade=1), user_id="ada")

    assert answer.status_code == 303
    assert len(get_profile("ada").references) == 2
    assert "does not look like ada" in browser.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (photo_of(), "There is no face in the photo"),
        (photo_of(1, 2), "There are 2 faces in the photo"),
        (photo_of(1, blurred={1}), "Too blurry"),
        (b"these are words", "not an image"),
        (b"", "empty"),
    ],
)
def test_a_rejected_photo_is_reported_and_the_input_is_kept(people, page_of, photo, words):
    fields = {"user_id": "ada", "name": 'A "d" <a>'}

    answer = send(page_of("reviewer"), upload(photo, "p<1>.png"), headers=FORM_PART, **fields)

    body = answer.content.decode()
    assert answer.status_code == 422
    assert words.lower() in body.lower()
    assert "p&lt;1&gt;.png" in body
    assert 'value="ada"' in body
    assert 'value="A &quot;d&quot; &lt;a&gt;"' in body
    assert "<html" not in body
    people.assert_only()


def test_one_refused_photo_among_several_keeps_all_out_and_says_which(people, page_of):
    answer = send(page_of("reviewer"), photo_of(1), photo_of(1, blurred={1}), user_id="ada")

    body = answer.content.decode()
    assert answer.status_code == 422
    assert "<html" in body
    assert "<strong>photo-0.png</strong>: can be used" in body
    assert "<strong>photo-1.png</strong>: The photo cannot be used" in body
    people.assert_only()


def test_a_photo_of_too_many_bytes_is_refused_beside_the_form(people, page_of, settings):
    settings.UPLOAD_MAX_BYTES = len(photo_of(1)) - 1

    answer = send(page_of("reviewer"), photo_of(1), user_id="ada")

    assert answer.status_code == 422
    assert "are allowed" in answer.content.decode()
    assert people.engine.decoded == 0


def test_a_face_like_another_is_taken_only_with_the_box_that_is_offered_then(people, page_of):
    people.enrol("ada", 1, name="Ada")
    browser = page_of("reviewer")

    refused = send(browser, photo_of(1, shade=1), user_id="eve", name="Eve")
    forced = send(browser, photo_of(1, shade=1), user_id="eve", name="Eve", force="on")

    body = refused.content.decode()
    assert refused.status_code == 422
    assert "The face looks like ada" in body
    assert 'name="force"' in body
    assert 'href="/profiles/ada/"' in body
    assert 'value="Eve"' in body
    assert forced.status_code == 303
    assert get_profile("eve").name == "Eve"


def test_a_ticked_box_stays_while_something_else_is_wrong(people, page_of):
    body = send(page_of("reviewer"), user_id="eve", force="on").content.decode()

    assert 'name="force"' in body
    assert "checked" in body


def test_a_taken_id_is_reported_beside_the_field_with_a_link(people, page_of):
    people.enrol("ada", 1)

    answer = send(page_of("reviewer"), photo_of(2), user_id="ada")

    body = answer.content.decode()
    assert answer.status_code == 422
    assert "ada is taken." in body
    assert "Open ada" in body


def test_an_id_being_erased_is_reported_beside_the_field(people, page_of):
    people.enrol("ada", 1)
    hide_profile("ada")

    answer = send(page_of("reviewer"), photo_of(2), user_id="ada")

    assert answer.status_code == 422
    assert "ada is being erased" in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"user_id": "a/b"}, "user_id"),
        ({"user_id": ".."}, "user_id"),
        ({"user_id": "enrol"}, "user_id"),
        ({"user_id": "a\x00b"}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"user_id": "a" * 65}, "user_id"),
        ({"user_id": "ada", "name": "n" * 101}, "name"),
        ({"user_id": "ada", "name": "\u202eturned"}, "name"),
    ],
)
def test_invalid_values_are_reported_beside_their_fields(people, page_of, fields, field):
    answer = send(page_of("reviewer"), photo_of(1), **fields)

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert 'role="alert"' in answer.content.decode()
    assert people.engine.decoded == 0
    people.assert_only()


def test_no_photo_and_too_many_photos_are_refused(people, page_of):
    browser = page_of("reviewer")

    none = send(browser, user_id="ada")
    many = send(browser, *[photo_of(1)] * 11, user_id="ada")

    assert (none.status_code, many.status_code) == (422, 422)
    assert "Choose a photo" in none.content.decode()
    assert "send 10 at a time" in many.content.decode()
    people.assert_only()


def test_the_photo_of_the_camera_counts_as_well(people, page_of):
    form = {"user_id": "ada", "photos": upload(photo_of(1), "camera.png")}

    assert page_of("reviewer").post(ENROL, form).status_code == 303


def test_viewers_cannot_enrol(people, page_of):
    browser = page_of("viewer")

    assert browser.get(ENROL).status_code == 403
    assert send(browser, photo_of(1), user_id="ada").status_code == 403
    assert Profile.objects.count() == 0


@pytest.mark.parametrize("name", ["profiles", "profile_enrol"])
def test_strangers_are_sent_to_log_in(people, client, db, name):
    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_the_navigation_marks_one_page(people, page_of):
    body = page_of("viewer").get(LIST).content.decode()

    assert body.count('aria-current="page"') == 1
    assert '<a href="/profiles/" aria-current="page">People</a>' in body

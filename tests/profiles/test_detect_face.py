"""POST /detect-face."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from profiles import selectors
from profiles.errors import NoSuchProfile
from tests.profiles.painted import photo_of

pytestmark = pytest.mark.services

ADDRESS = "/detect-face"


@pytest.fixture
def post(people, reviewer, send):
    def post(photo=None, client=reviewer, **fields):
        return send(client, "post", ADDRESS, photo, **fields)

    return post


def test_a_photo_makes_a_profile(post):
    answer = post(photo_of(1), user_id="ada@home", name="Ada")

    body = answer.json()
    profile = selectors.get_profile("ada@home")
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/profiles/ada@home/"
    assert isinstance(body.pop("message"), str)
    assert body == {
        "user_id": "ada@home",
        "has_face": True,
        "face_quality": 0.5 + (255 % 50) / 100,
        "confidence": 0.9,
        "reason": None,
        "face_id": profile.references[0],
        "bbox": [10.0, 5.0, 100.0, 120.5],
        "model": "painted+painted-vectors",
        "checks": [
            "Size OK: 120x100 >= 30",
            "Confidence OK: 0.90 >= 0.4",
            "Sharpness OK: 200.00 >= 50",
        ],
        "reference_photos": 1,
        "version": 1,
    }
    assert (profile.name, profile.created_by) == ("Ada", "reviewer in a test")


@pytest.mark.parametrize(
    "user_id", ["a", "A" * 64, "Ada.Lovelace-1_2@example.org", "..a", "-", "0", "@"]
)
def test_ids_of_the_documented_letters_are_taken(post, user_id):
    assert post(photo_of(1), user_id=user_id).status_code == 201
    assert selectors.get_profile(user_id).user_id == user_id


@pytest.mark.parametrize(
    "user_id",
    [
        *(" ", ".", "..", "." * 64, "a" * 65, "a" * 100_000, "a b", " ada", "ada\n", "a/b"),
        *("ädä", "a\x00b", "a\x00", "\u0663", "a\u200b", "\U0001f600", "$where"),
        *("../etc/passwd", "ada%00", "verify", "import", "enrol"),
    ],
)
def test_a_malformed_id_is_400(post, people, user_id):
    answer = post(photo_of(1), user_id=user_id)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_id")
    people.assert_only()


def test_missing_fields_are_422_by_name(post):
    nothing = post()
    no_photo = post(user_id="ada")
    no_id = post(photo_of(1))
    blank_id = post(photo_of(1), user_id="")

    assert (nothing.status_code, set(nothing.json()["errors"])) == (422, {"user_id", "file"})
    assert (no_photo.status_code, set(no_photo.json()["errors"])) == (422, {"file"})
    assert (no_id.status_code, set(no_id.json()["errors"])) == (422, {"user_id"})
    assert (blank_id.status_code, set(blank_id.json()["errors"])) == (422, {"user_id"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[
            ("min_face_size", value)
            for value in ("9", "2001", "-30", "30.5", "many", "", "9" * 400)
        ],
        *[("min_confidence", value) for value in ("-0.1", "1.01", "nan", "NaN", "inf", "x", "")],
        *[("blur_threshold", value) for value in ("-1", "10001", "nan", "-inf", "1e999", "\x00")],
        ("force", "perhaps"),
        ("name", "n" * 101),
        ("name", "a\x00b"),
        ("name", "two\nlines"),
        ("name", "\u202eturned"),
        ("file", "words"),
    ],
)
def test_parameters_out_of_bounds_are_422(post, people, field, value):
    photo = None if field == "file" else photo_of(1)

    answer = post(photo, user_id="ada", **{field: value})

    assert answer.status_code == 422
    assert (answer.json()["code"], set(answer.json()["errors"])) == ("invalid", {field})
    people.assert_only()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("min_face_size", ("10", "100")),
        ("min_confidence", ("0", "0.9")),
        ("blur_threshold", ("0", "200")),
    ],
)
def test_parameters_at_their_bounds_pass(post, field, values):
    for index, value in enumerate(values):
        assert post(photo_of(index), user_id=f"u{index}", **{field: value}).status_code == 201


@pytest.mark.parametrize("field", ["user_id", "min_face_size", "name", "file"])
def test_a_parameter_given_twice_is_422(reviewer, people, field):
    fields = {"user_id": "ada", "name": "Ada", "min_face_size": "30"}
    fields["file"] = SimpleUploadedFile("a.png", photo_of(1))
    twice = [fields[field], "30" if field != "file" else SimpleUploadedFile("b.png", photo_of(2))]

    answer = reviewer.post(ADDRESS, {**fields, field: twice}, format="multipart")

    assert (answer.status_code, set(answer.json()["errors"])) == (422, {field})
    people.assert_only()


@pytest.mark.parametrize(
    ("photo", "fields", "code", "has_face"),
    [
        (photo_of(), {}, "no_face", False),
        (photo_of(1, 2), {}, "several_faces", True),
        (photo_of(1, blurred={1}), {}, "poor_face", True),
        (photo_of(1), {"min_face_size": "200"}, "poor_face", True),
        (photo_of(1), {"min_confidence": "0.95"}, "poor_face", True),
        (photo_of(1), {"blur_threshold": "201"}, "poor_face", True),
    ],
)
def test_a_photo_that_cannot_be_used_is_answered_with_what_was_seen(
    post, people, photo, fields, code, has_face
):
    answer = post(photo, user_id="ada", **fields)

    body = answer.json()
    assert answer.status_code == 422
    assert body.keys() == {
        *("detail", "code", "user_id", "has_face", "message", "reason", "debug_info"),
    }
    assert (body["user_id"], body["has_face"], body["code"]) == ("ada", has_face, code)
    assert body["reason"] in body["message"] == body["detail"]
    assert body["debug_info"]["quality_metrics"].keys() == {
        *("face_size", "confidence", "blur_score"),
        *("min_size_required", "min_confidence_required", "blur_threshold"),
    }
    assert all(isinstance(line, str) for line in body["debug_info"]["detailed_checks"])
    people.assert_only()


def test_the_current_thresholds_are_the_defaults(post, settings):
    blurred = photo_of(1, blurred={1})

    default = post(blurred, user_id="ada").json()["debug_info"]["quality_metrics"]

    assert default["min_size_required"] == settings.VISION.thresholds.min_face_size
    assert default["min_confidence_required"] == settings.VISION.thresholds.min_confidence
    assert default["blur_threshold"] == settings.VISION.thresholds.blur_threshold
    assert post(blurred, user_id="ada", blur_threshold="10").status_code == 201


def test_an_id_that_is_taken_is_409(post, people):
    post(photo_of(1), user_id="ada")

    answer = post(photo_of(2), user_id="ada", force="true")

    assert (answer.status_code, answer.json()["code"]) == (409, "profile_exists")
    people.assert_only(*selectors.get_profile("ada").references)


def test_a_face_of_another_profile_is_409_unless_forced(post):
    post(photo_of(1), user_id="ada")

    refused = post(photo_of(1, shade=1), user_id="eve")
    forced = post(photo_of(1, shade=1), user_id="eve", force="true")

    assert (refused.status_code, refused.json()["code"]) == (409, "looks_like_another")
    assert refused.json()["user_id"] == "ada"
    assert 0.8 < refused.json()["similarity"] <= 1
    assert forced.status_code == 201


def test_what_is_no_photo_is_refused_by_what_it_is(post, people, settings):
    answers = {
        "words": post(b"these are words", user_id="ada"),
        "nothing": post(b"", user_id="ada"),
        "damaged": post(photo_of(1)[:60], user_id="ada"),
    }

    found = {name: (one.status_code, one.json()["code"]) for name, one in answers.items()}
    assert found == {
        "words": (415, "not_an_image"),
        "nothing": (422, "empty_file"),
        "damaged": (422, "unreadable_image"),
    }
    people.assert_only()


def test_a_photo_of_too_many_bytes_is_413(post, people, settings):
    settings.UPLOAD_MAX_BYTES = len(photo_of(1)) - 1

    answer = post(photo_of(1), user_id="ada")

    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")
    people.assert_only()


class NeverRead:
    """A body that must not be touched."""

    def read(self, *_):
        raise AssertionError("the body was read")

    readline = read


def test_a_body_of_too_many_bytes_is_413_before_it_is_read(people, reviewer, settings):
    answer = reviewer.generic(
        "POST",
        ADDRESS,
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(settings.UPLOAD_MAX_BYTES + 100_001),
        **{"wsgi.input": NeverRead()},
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_bytes")
    assert people.engine.decoded == 0


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "image/png", "application/x-www-form-urlencoded", "text/plain"],
)
def test_what_is_no_multipart_form_is_415(people, reviewer, content_type):
    answer = reviewer.generic("POST", ADDRESS, json.dumps({"user_id": "ada"}), content_type)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"no parts at all"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n"),
        ("multipart/form-data; boundary=\xff", b"--x--"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(people, reviewer, content_type, body):
    answer = reviewer.generic("POST", ADDRESS, body, content_type)

    assert answer.status_code in (400, 422)
    assert {"detail", "code"} <= answer.json().keys()


def test_more_fields_than_a_form_may_have_are_refused(people, reviewer):
    answer = reviewer.post(ADDRESS, {f"f{n}": "1" for n in range(1100)}, format="multipart")

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("reviewer", 201), ("admin", 201)])
def test_reviewers_enrol(people, request, send, role, status):
    client = request.getfixturevalue(role)

    assert send(client, "post", ADDRESS, photo_of(1), user_id="ada").status_code == status


def test_a_stranger_is_401_and_other_methods_are_405(people, client, reviewer):
    stranger = client.post(ADDRESS, {"user_id": "ada"})

    assert stranger.status_code == 401
    assert reviewer.get(ADDRESS).status_code == 405


def test_the_same_request_again_gets_the_first_answer(people, reviewer, send):
    reviewer.credentials(
        HTTP_AUTHORIZATION=reviewer._credentials["HTTP_AUTHORIZATION"], HTTP_IDEMPOTENCY_KEY="k1"
    )

    first, again = (send(reviewer, "post", ADDRESS, photo_of(1), user_id="ada") for _ in range(2))
    other = send(reviewer, "post", ADDRESS, photo_of(2), user_id="eve")

    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    with pytest.raises(NoSuchProfile):
        selectors.get_profile("eve")

"""The page that searches by a photo."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clustering.documents import Face
from profiles.documents import ReferencePhoto
from tests.profiles.painted import photo_of
from tests.review.pages import HTML, body_of, of, part
from tests.review.search.conftest import SHADE

pytestmark = pytest.mark.services

ADA = 1


@pytest.fixture
def send(people, engine, page_of):
    browser = page_of("viewer")

    def post(data, headers=None, **fields):
        file = SimpleUploadedFile("photo.png", data, "image/png")
        return browser.post("/search/", {"file": file, **fields}, headers=headers or HTML)

    post.browser = browser
    return post


def test_the_form_works_without_scripts_and_shows_every_face(send, paint, people, engine):
    people.engine = engine
    paint([ADA], [ADA])

    body = body_of(send(photo_of(ADA, 5, shade=SHADE)))

    assert "2 faces in" in body
    assert body.count("data:image/jpeg;base64,") == 2
    assert "cluster_0" in body


def test_htmx_gets_the_result_alone(send):
    answer = send(photo_of(ADA), headers=part("search"))

    assert answer.status_code == 200
    assert body_of(answer).lstrip().startswith('<div id="search"')


@pytest.mark.parametrize("data", [b"", b"no photo", b"\x89PNG\r\n\x1a\nbroken"])
def test_what_is_no_photo_is_said_beside_the_form(send, data):
    answer = send(data)

    assert answer.status_code == 422
    assert 'role="alert"' in body_of(answer)


def test_a_photo_that_is_too_large_is_said_beside_the_form(send, settings):
    settings.UPLOAD_MAX_BYTES = 50

    assert "50 are allowed" in body_of(send(photo_of(ADA)))


def test_an_unknown_collection_is_said_beside_the_form(send):
    assert send(photo_of(ADA), collection="nobody/knows").status_code == 422
    assert send(photo_of(ADA), collection="nonsense").status_code == 422


def test_strangers_log_in_first(stores, client, db):
    assert client.get("/search/").status_code == 302


def test_people_and_clusters_lead_to_their_pages(send, paint, people, engine):
    people.engine = engine
    people.enrol("ada", ADA, name="<b>Ada</b>")
    painted = paint([ADA], [ADA])

    body = body_of(send(photo_of(ADA, shade=SHADE)))

    assert f'href="{of("cluster", painted, cluster_id="cluster_0")}"' in body
    assert 'href="/profiles/ada/"' in body
    assert "&lt;b&gt;Ada" in body
    assert "<b>Ada" not in body


def test_a_face_too_poor_to_be_searched_says_why(send):
    body = body_of(send(photo_of(ADA, blurred=[ADA], shade=SHADE)))

    assert "Not searched: too blurry" in body
    assert "Too blurry: 10.00 &lt; 50" in body


def test_nothing_of_a_photo_is_kept(send, paint, people, engine):
    people.engine = engine
    painted = paint([ADA], [ADA])

    def stored():
        faces = Face.objects.count()
        return faces, ReferencePhoto.objects.count(), painted.vectors.count(engine.embedder_id, {})

    before = stored()

    send(photo_of(ADA, shade=SHADE))

    assert stored() == before


def test_no_photo_at_all_is_said_beside_the_form(send):
    answer = send.browser.post("/search/", {}, headers=HTML)

    assert answer.status_code == 422
    assert "Choose a photo." in body_of(answer)

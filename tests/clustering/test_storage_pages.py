"""The pages of storage: compared, told in words, repaired."""

import pytest
from django.urls import reverse

from clustering.selectors import iter_collection_faces

pytestmark = pytest.mark.services


@pytest.fixture
def stored(active_engine):
    active_engine.paint("a.png", 1)
    active_engine.paint("b.png", 1, shade=1)
    active_engine.run()
    return active_engine


def page(name, painted):
    return reverse(name, kwargs={"bucket": painted.name.bucket, "sub": painted.name.sub})


def test_collections_are_listed_and_none_says_what_to_do(stored, page_of):
    browser = page_of("admin")

    assert page("storage", stored) in browser.get("/storage/").content.decode()


def test_without_collections_it_says_so(stores, page_of):
    assert "Nothing is stored yet." in page_of("admin").get("/storage/").content.decode()


def test_a_vector_that_is_gone_is_told_and_put_right(stored, page_of):
    browser, [face, *_] = page_of("admin"), iter_collection_faces(stored.name.path)
    stored.vectors.delete(stored.engine.embedder_id, [face.id])
    differs = browser.get(page("storage", stored)).content.decode()

    repaired = browser.post(page("storage_repair", stored))

    assert "differs" in differs
    assert repaired.status_code == 303
    body = browser.get(page("storage", stored)).content.decode()
    assert "consistent" in body
    assert "the stores agree" in body


def test_a_repair_asks_first_and_by_htmx_moves_on_by_its_header(stored, page_of):
    browser, here = page_of("admin"), page("storage_repair", stored)
    body = browser.get(page("storage", stored)).content.decode()

    answer = browser.post(here, headers={"HX-Request": "true"})

    assert f'hx-post="{here}"' in body  # without it htmx does not ask
    assert "hx-confirm" in body
    assert answer.status_code == 204
    assert page("storage", stored) in answer["HX-Location"]


def test_what_differs_is_counted_and_what_a_repair_does_is_said(stored, page_of):
    stored.crops.delete([face.id for face in iter_collection_faces(stored.name.path)])

    body = page_of("admin").get(page("storage", stored)).content.decode()

    assert '<span class="tag differ">2</span>' in body
    assert "reads their photos again" in body


def test_nothing_is_repaired_while_a_run_works(stored, page_of):
    stored.start(full=True)

    answer = page_of("admin").post(page("storage_repair", stored), headers={"Accept": "text/html"})

    assert answer.status_code == 409
    assert "is being clustered" in answer.content.decode()


def test_others_are_refused_and_strangers_log_in(stored, page_of, client):
    assert client.get(page("storage", stored)).status_code == 302
    reviewer = page_of("reviewer")
    assert reviewer.get(page("storage", stored)).status_code == 403
    assert reviewer.post(page("storage_repair", stored)).status_code == 403


def test_an_unknown_collection_is_404(stores, page_of):
    answer = page_of("admin").get("/storage/no/such/", headers={"Accept": "text/html"})

    assert answer.status_code == 404

"""The pages of clustering: page, fragment, plain post, stranger."""

import pytest
from django.urls import reverse

from clustering.selectors import get_run

pytestmark = pytest.mark.services


def collection_page(painted):
    return reverse("collection", kwargs={"bucket": painted.name.bucket, "sub": painted.name.sub})


def test_the_first_page_without_collections_says_what_to_do(painted, page_of):
    body = page_of("reviewer").get("/").content.decode()

    assert "No collection yet" in body
    assert "Find the people" in body


def test_the_first_page_offers_folders_that_wait(painted, page_of):
    painted.paint("a.png", 1)

    assert f'value="{painted.name.path}"' in page_of("reviewer").get("/").content.decode()


def test_the_first_page_lists_collections_with_covers_and_counts(painted, page_of):
    painted.paint("a.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.run()

    body = page_of("viewer").get("/").content.decode()

    assert painted.name.path in body
    assert "1 person · 2 faces · 2 photos" in body
    assert "/crop/" in body
    assert "Find the people" not in body


def test_a_run_starts_from_a_plain_form_and_leads_to_its_collection(active_engine, page_of):
    active_engine.paint("a.png", 1)

    answer = page_of("reviewer").post(reverse("run_start"), {"collection": active_engine.name.path})

    assert answer.status_code == 303
    assert answer["Location"] == collection_page(active_engine)


def test_a_run_started_by_htmx_moves_on_by_its_header(active_engine, page_of):
    active_engine.paint("a.png", 1)

    answer = page_of("reviewer").post(
        reverse("run_start"),
        {"collection": active_engine.name.path},
        headers={"HX-Request": "true"},
    )

    assert answer.status_code == 204
    assert collection_page(active_engine) in answer["HX-Location"]


@pytest.mark.parametrize("asked", ["", "nothing", "painted/none-here", "a/../b", "no-bucket/x"])
def test_a_refused_run_is_told_beside_the_form_with_what_was_typed(active_engine, page_of, asked):
    answer = page_of("reviewer").post(
        reverse("run_start"),
        {"collection": asked},
        headers={"HX-Request": "true", "HX-Target": "run-form"},
    )

    assert answer.status_code == 422
    body = answer.content.decode()
    assert 'role="alert"' in body
    assert f'value="{asked}"' in body or not asked
    assert "<html" not in body


def test_the_collection_shows_progress_while_a_run_works_and_clusters_after(painted, page_of):
    for number in range(3):
        painted.paint(f"p{number}.png", 1, shade=number)
    run = painted.start()
    painted.advance(run)
    browser = page_of("viewer")

    working = browser.get(collection_page(painted)).content.decode()
    status = browser.get(reverse("run_status", kwargs={"run_id": run.id})).content.decode()
    painted.finish(run)
    finished = browser.get(collection_page(painted)).content.decode()

    assert 'hx-trigger="every 1s"' in working
    assert "0 of 3 photos" in status
    assert "<html" not in status
    assert "cluster_0" in finished
    assert "every 1s" not in finished


def test_polling_ends_when_the_run_has_ended(painted, page_of):
    painted.paint("a.png", 1)
    run = painted.run()

    answer = page_of("viewer").get(
        reverse("run_status", kwargs={"run_id": run.id}), headers={"HX-Request": "true"}
    )

    assert collection_page(painted) in answer["HX-Location"]


def test_a_cluster_shows_its_faces_and_an_unknown_one_a_page_that_says_so(painted, page_of):
    painted.paint("a <b>.png", 1)
    painted.paint("b.png", 1, shade=1)
    painted.run()
    browser = page_of("viewer")

    body = browser.get(collection_page(painted) + "-/cluster_0/").content.decode()
    unknown = browser.get(
        collection_page(painted) + "-/cluster_9/", headers={"Accept": "text/html"}
    )

    assert body.count("/crop/") == 2
    assert "a &lt;b&gt;.png" in body
    assert unknown.status_code == 404
    assert "has no cluster cluster_9" in unknown.content.decode()


def test_skipped_photos_are_listed_with_their_reasons(painted, page_of):
    painted.paint("a.png", 1)
    (painted.folder / "broken.jpg").write_text("no photo")
    painted.run()

    browser = page_of("viewer")
    body = browser.get(collection_page(painted) + "-/skipped/").content.decode()

    assert painted.key("broken.jpg") in body
    assert "not_an_image" in body
    assert ">1 not an image<" in browser.get(collection_page(painted)).content.decode()


def test_a_run_is_cancelled_and_resumed_from_the_page(painted, page_of):
    painted.paint("a.png", 1)
    run = painted.start()
    browser = page_of("reviewer")

    browser.post(reverse("run_cancel", kwargs={"run_id": run.id}))
    cancelled = painted.finish(run)
    resumed = browser.post(reverse("run_resume", kwargs={"run_id": run.id}))

    assert cancelled.state == "cancelled"
    assert resumed.status_code == 303
    assert get_run(run.id).state == "queued"


def test_viewers_start_and_cancel_nothing(painted, page_of):
    painted.paint("a.png", 1)
    run = painted.start()
    browser = page_of("viewer")

    start = browser.post(reverse("run_start"), {"collection": painted.name.path})
    cancel = browser.post(reverse("run_cancel", kwargs={"run_id": run.id}))

    assert (start.status_code, cancel.status_code) == (403, 403)
    assert not get_run(run.id).cancel_requested


@pytest.mark.parametrize("name", ["collections"])
def test_strangers_are_sent_to_log_in(painted, client, db, name):
    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_a_stranger_amid_polling_is_sent_to_log_in_and_back(painted, client, db):
    painted.paint("a.png", 1)
    run = painted.start()

    answer = client.get(
        reverse("run_status", kwargs={"run_id": run.id}),
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/collections/a/b/"},
    )

    assert answer["HX-Redirect"] == "/login/?next=/collections/a/b/"


def test_a_folder_named_like_our_separator_has_its_page(painted, page_of):
    painted.name = type(painted.name)(painted.name.bucket, f"{painted.name.sub}/-/c")
    painted.folder = painted.folder / "-" / "c"
    painted.paint("a.png", 1)
    painted.run()

    answer = page_of("viewer").get(collection_page(painted))

    assert answer.status_code == 200
    assert painted.name.path in answer.content.decode()

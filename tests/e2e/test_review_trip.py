"""First use in a real browser: log in, start a run, follow its progress, see the people."""

import shutil

import pytest

from tests.e2e.product import Product
from tests.e2e.reviewing import log_in
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PEOPLE = ("Ariel_Sharon", "Colin_Powell", "Tony_Blair")


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("trip")
    for person in PEOPLE:
        shutil.copytree(FACES / "lfw10" / person, root / "buckets" / "press" / "autumn" / person)
    (root / "buckets" / "press" / "autumn" / "broken.jpg").write_text("no photo")
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        yield running


def test_from_an_empty_installation_to_the_people_of_a_folder(page, product):
    log_in(page, product)
    assert page.get_by_text("No collection yet.").is_visible()

    page.get_by_role("button", name="press/autumn").click()
    page.wait_for_url("**/collections/press/autumn/")
    page.get_by_text("cluster_0").wait_for(timeout=60_000)

    cards = page.locator("#people .card")
    assert cards.count() >= len(PEOPLE)
    assert page.get_by_text("1 not an image").is_visible()
    cards.first.click()
    page.wait_for_url("**/-/cluster_0/")
    faces = page.locator("#faces img")
    assert faces.count() >= 9
    assert faces.first.evaluate("image => image.complete && image.naturalWidth") >= 100


def test_the_trip_works_without_scripts(plain_page, product):
    log_in(plain_page, product)

    plain_page.get_by_label("Collection").fill("press/autumn/Tony_Blair")
    plain_page.get_by_role("button", name="Find the people").click()
    plain_page.wait_for_url("**/collections/press/autumn/Tony_Blair/")
    product.wait_for(
        lambda: plain_page.reload() and plain_page.get_by_text("cluster_0").count() > 0
    )


def test_a_refusal_is_shown_beside_the_form_and_keeps_what_was_typed(page, product):
    log_in(page, product)

    page.get_by_label("Collection").fill("press/nothing")
    page.get_by_role("button", name="Find the people").click()

    page.get_by_role("alert").wait_for()
    assert "no image under press/nothing" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Collection").input_value() == "press/nothing"
    assert page.url == product.address + "/"

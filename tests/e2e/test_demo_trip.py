"""The main job on photos of the package index: enrol, cluster, match, correct, in a browser.

It needs no labelled photos, so it runs in every checkout that reaches a package index.
"""

import re
from pathlib import Path

import pytest

from tests.e2e.product import Product
from tests.e2e.reviewing import Collection, answered, log_in

pytestmark = pytest.mark.e2e

PATH = "demo/people"
OBAMA = "obama"


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    with Product(tmp_path_factory.mktemp("demo"), FACEADMIN_MODELS=model_files).up() as product:
        product.demo = product.command("demo")
        if "could not be fetched" in product.demo.stderr:
            pytest.skip("the demo's photos cannot be fetched: the package index is out of reach")
        assert product.demo.returncode == 0, product.demo.stderr
        yield product


@pytest.fixture(scope="module")
def collection(product):
    return Collection(product, PATH)


@pytest.fixture(scope="module")
def photos(product):
    """Return the folder of the photos, five of one person and one of another."""
    return Path(product.data) / "buckets" / PATH


def test_the_demo_shows_people(page, product, artifacts):
    address = re.search(r"http\S+", product.demo.stdout).group(0)
    log_in(page, product)
    page.set_viewport_size({"width": 1000, "height": 480})

    page.goto(address, wait_until="networkidle")

    assert page.get_by_text("cluster_0").is_visible()
    page.screenshot(path=artifacts / "demo-collection.png")
    page.set_viewport_size({"width": 1000, "height": 700})
    page.goto(f"{address}-/who/", wait_until="networkidle")
    assert page.get_by_text("Is it one of these?").first.is_visible()
    page.screenshot(path=artifacts / "demo-queue.png")
    page.goto(f"{address}-/cluster_0/", wait_until="networkidle")
    page.locator("a.pc").first.click()
    page.wait_for_url("**/faces/*/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=artifacts / "demo-face.png")


def test_an_enrolled_person_is_matched_corrected_and_kept_by_the_next_run(
    page, product, collection, photos
):
    assert sizes(collection) == {"cluster_0": 5, "noise": 1}
    log_in(page, product)

    page.goto(f"{product.address}/profiles/enrol/")
    page.get_by_label("Name").fill("Barack Obama")
    page.get_by_label("User id").fill(OBAMA)
    page.get_by_label("Photos", exact=True).set_input_files(photos / "obama.jpg")
    page.get_by_role("button", name="Enrol").click()
    page.wait_for_url(f"**/profiles/{OBAMA}/")

    page.goto(f"{product.address}/assignments/")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Nothing is saved yet.").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("1 person assigned.").wait_for()
    assert collection.assigned() == {"cluster_0": OBAMA}

    page.goto(f"{product.address}/collections/{PATH}/-/cluster_0/", wait_until="networkidle")
    faces = page.locator("[data-grid] .face")
    assert faces.count() == 5
    faces.last.locator("img").click()
    with answered(page, "/decide/"):
        page.keyboard.press("n")
    page.locator("#undo-line button").wait_for()
    assert faces.count() == 4
    corrected = collection.labels()
    assert sizes(collection) == {"cluster_0": 4, "noise": 2}

    product.cluster(PATH, "--full")
    assert collection.labels() == corrected
    assert collection.assigned() == {"cluster_0": OBAMA}
    assert [one["kind"] for one in collection.decisions()] == ["reject"]


def sizes(collection):
    labels = list(collection.labels().values())
    return {label: labels.count(label) for label in set(labels)}

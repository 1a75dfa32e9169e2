"""From an empty installation to a reviewed and assigned collection, in one go, by one reviewer."""

import shutil

import pytest

from tests.e2e.product import Product
from tests.e2e.reviewing import Collection, answered, log_in
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PATH = "press/autumn"
ANSWERS = {"odd": "y", "triage": "i"}  # who has two names is not asked about in "same"
PEOPLE = ("Ariel_Sharon", "Colin_Powell", "Tony_Blair")


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("whole")
    for person in PEOPLE:
        shutil.copytree(FACES / "lfw10" / person, root / "buckets" / PATH / person)
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        yield running


def open_queue(page, product, name):
    page.goto(f"{product.address}/collections/{PATH}/-/{name}/", wait_until="networkidle")


def cards(page):
    return page.locator("#stack > .question:visible")


def who_is_on_the_card(page):
    """Return the name of the folder that the first face of the card lies in."""
    return cards(page).locator(".strip img").first.get_attribute("alt").split("/")[-2]


def name_the_card(page, name):
    """Type a name and enrol the person by keys, also if they look similar to another person."""
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.locator("button:focus", has_text=f"Enrol {name}").wait_for()
    with page.expect_navigation(wait_until="networkidle"):
        page.keyboard.press("Enter")
    if page.get_by_role("button", name="anyway").count():
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("n")


def on_to_what_waits(page):
    """Follow the key at the end of a queue to the next one; say whether there is one."""
    page.locator(".done .queues").wait_for()
    if not page.locator(".done [data-key=Enter]").count():
        return False
    with page.expect_navigation(wait_until="networkidle"):
        page.keyboard.press("Enter")
    return True


def test_a_reviewer_names_or_ignores_every_person(page, product):
    log_in(page, product)
    page.get_by_role("button", name=PATH, exact=True).click()
    page.wait_for_url(f"**/collections/{PATH}/")
    page.get_by_text("cluster_0").wait_for(timeout=60_000)
    collection = Collection(product, PATH)

    open_queue(page, product, "who")
    named = set()
    while cards(page).count():
        person = who_is_on_the_card(page)
        assert person not in named
        name_the_card(page, person.replace("_", " "))
        named.add(person)
    while on_to_what_waits(page):
        key = ANSWERS[page.url.split("/")[-2]]
        while cards(page).count():
            with answered(page):
                page.keyboard.press(key)
            page.locator(".question.answered").wait_for(state="detached")

    assert named == set(PEOPLE)
    assert len(collection.assigned()) == len(PEOPLE)
    assert "noise" not in collection.labels().values()
    page.goto(f"{product.address}/assignments/")
    assert page.locator("tbody .tag.same").count() == len(PEOPLE)
    page.goto(f"{product.address}/activity/")
    assert page.get_by_text("1 face ignored.").count() > 0


def test_a_photo_of_forty_megabytes_is_rejected_beside_the_form(page, product, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(b"\xff\xd8\xff" + bytes(40_000_000))
    log_in(page, product)
    page.goto(f"{product.address}/search/")

    page.get_by_label("Photo").set_input_files(large)
    page.get_by_role("button", name="Search").click()

    page.get_by_role("alert").wait_for()
    assert "are allowed" in page.get_by_role("alert").inner_text()

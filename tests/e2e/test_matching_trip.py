"""From enrolled people to corrected assignments in a real browser, and search by photo."""

import re
import shutil

import pytest

from tests.e2e.product import Product
from tests.e2e.reviewing import log_in, serious
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PEOPLE = ("Ariel_Sharon", "Colin_Powell")
KNOWN = "sharon"


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("matching")
    for person in PEOPLE:
        shutil.copytree(FACES / "lfw10" / person, root / "buckets" / "press" / "autumn" / person)
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        running.cluster("press/autumn")
        yield running


def photo_of(person):
    return min(path for path in (FACES / "lfw10" / person).iterdir() if path.suffix == ".jpg")


def look(page, artifacts, name):
    """Check a page with axe and in two widths."""
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 860})
        # A hidden caret is an inline style on every field, which htmx cannot copy under our policy.
        page.screenshot(path=artifacts / f"{name}-{width}.png", full_page=True, caret="initial")
        assert not serious(page), name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def enrol(page):
    page.get_by_label("Name").fill("Ariel Sharon")
    page.get_by_label("User id").fill(KNOWN)
    page.get_by_label("Photos", exact=True).set_input_files(photo_of("Ariel_Sharon"))
    page.get_by_role("button", name="Enrol").click()
    page.wait_for_url(f"**/profiles/{KNOWN}/")


def test_enrolled_people_are_matched_listed_and_unassigned(page, product, artifacts):
    log_in(page, product)
    page.goto(f"{product.address}/assignments/")
    page.get_by_text("No person is enrolled yet.").wait_for()
    page.get_by_role("link", name="Enrol a person").first.click()
    enrol(page)
    page.goto(f"{product.address}/assignments/")

    page.get_by_role("button", name="Preview").click()
    page.get_by_text("Nothing is saved yet.").wait_for()
    assert page.get_by_role("region", name="What would be assigned").get_by_role("row").count() >= 3
    look(page, artifacts, "preview")
    page.get_by_role("button", name="Save").click()
    page.get_by_text(re.compile(r"\d (person|people) assigned\.")).wait_for()
    look(page, artifacts, "assigned")

    page.get_by_label("or person").fill(KNOWN)
    page.get_by_role("button", name="Show").nth(1).click()
    page.get_by_role("heading", name="Assignments of Ariel Sharon").wait_for()
    rows = page.locator("tr[id^=assignment-]")
    count = rows.count()
    look(page, artifacts, "of-user")
    page.on("dialog", lambda dialog: dialog.accept())
    rows.first.get_by_role("button", name="Unassign").click()
    page.get_by_text("unassigned.").wait_for()
    assert rows.count() == count - 1


def test_a_photo_is_searched_with_and_leads_to_a_cluster(page, product, artifacts):
    log_in(page, product)
    page.goto(f"{product.address}/search/")
    page.get_by_label("Photo", exact=True).set_input_files(photo_of("Ariel_Sharon"))

    page.get_by_role("button", name="Search").click()
    page.get_by_role("region", name="Face 1").wait_for()

    assert page.locator(".face.large img").first.evaluate("image => image.naturalWidth") > 50
    look(page, artifacts, "found")
    page.get_by_role("link", name=re.compile("cluster_|sharon")).first.click()
    page.wait_for_url("**/-/cluster_*/")


def test_a_photo_is_searched_with_without_scripts(plain_page, product):
    log_in(plain_page, product)
    plain_page.goto(f"{product.address}/search/")
    plain_page.get_by_label("Photo", exact=True).set_input_files(photo_of("Colin_Powell"))

    plain_page.get_by_role("button", name="Search").click()

    plain_page.get_by_role("region", name="Face 1").wait_for()
    assert plain_page.get_by_role("link", name=re.compile("cluster_")).count()

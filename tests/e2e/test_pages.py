"""Every page in two widths and two themes: accessible, without horizontal overflow."""

import shutil

import pytest

from tests.e2e.product import Product
from tests.e2e.reviewing import Collection, log_in, serious
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PATH = "press/autumn"
PEOPLE = ("Ariel_Sharon", "Colin_Powell", "Tony_Blair")


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("pages")
    for person in PEOPLE:
        shutil.copytree(FACES / "lfw10" / person, root / "buckets" / "press" / "autumn" / person)
    (root / "buckets" / "press" / "autumn" / "broken.jpg").write_text("no photo")
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        running.cluster(PATH)
        collection = Collection(running, PATH)
        photos = sorted((FACES / "lfw10" / "Tony_Blair").glob("*.jpg"))
        collection.enrol("tony_blair", "Tony Blair", photos)
        decided = {"kind": "choose_profile", "cluster": "cluster_0", "user_id": "tony_blair"}
        answer = collection.post("/api/v1/decisions/", {"collection": PATH, "decisions": [decided]})
        assert answer.status_code == 201, answer.text
        yield running


@pytest.mark.parametrize(
    ("theme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        pytest.param("light", 390, marks=pytest.mark.long),
        pytest.param("dark", 1280, marks=pytest.mark.long),
    ],
)
def test_pages_are_accessible_and_fit(page, product, artifacts, width, theme):
    log_in(page, product)
    page.set_viewport_size({"width": width, "height": 860})
    page.emulate_media(color_scheme=theme)
    addresses = {
        "collections": "/",
        "collection": "/collections/press/autumn/",
        "cluster": "/collections/press/autumn/-/cluster_0/",
        "noise": "/collections/press/autumn/-/noise/",
        "same": "/collections/press/autumn/-/same/",
        "odd": "/collections/press/autumn/-/odd/",
        "who": "/collections/press/autumn/-/who/",
        "triage": "/collections/press/autumn/-/triage/",
        "new": "/collections/press/autumn/-/new/",
        "merge": "/profiles/tony_blair/merge/",
        "erase": "/profiles/tony_blair/erase/",
        "assignments": "/assignments/",
        "search": "/search/",
        "profiles": "/profiles/",
        "enrol": "/profiles/enrol/",
        "person": "/profiles/tony_blair/",
        "skipped": "/collections/press/autumn/-/skipped/",
        "models": "/models/",
        "activity": "/activity/",
        "thresholds": "/thresholds/",
        "storages": "/storage/",
        "storage": "/storage/press/autumn/",
        "keys": "/keys/",
        "accounts": "/accounts/",
        "missing": "/nothing-here",
    }
    found = []
    for name, path in addresses.items():
        page.goto(product.address + path, wait_until="networkidle")
        page.screenshot(path=artifacts / f"{name}-{theme}-{width}.png")
        found += [(name, *one) for one in serious(page)]
        scroll = page.evaluate("document.documentElement.scrollWidth")
        found += [(name, "scrolls", scroll)] if scroll > width else []
    assert not found
    page.goto(product.address + addresses["cluster"])
    page.locator("a.pc").first.click()
    page.wait_for_url("**/faces/*/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=artifacts / f"face-{theme}-{width}.png", full_page=True)
    assert not serious(page), "face"
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "face"

"""Enrolment in a real browser: photos are chosen, dropped or pasted, and kept."""

import base64

import pytest
from PIL import Image

from tests.e2e.product import Product
from tests.e2e.reviewing import log_in
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

SHARON, POWELL = FACES / "lfw10" / "Ariel_Sharon", FACES / "lfw10" / "Colin_Powell"
HANDED_OVER = """(zone, [kind, name, coded]) => {
  const bytes = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const given = { bubbles: true, cancelable: true };
  zone.dispatchEvent(kind === "paste"
    ? new ClipboardEvent("paste", { ...given, clipboardData: held })
    : new DragEvent("drop", { ...given, dataTransfer: held }));
}"""


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("enrol")
    (root / "buckets").mkdir()
    with Product(root, BUCKETS_ROOT=root / "buckets", FACEADMIN_MODELS=model_files).up() as running:
        yield running


def photos_of(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".jpg")


def hand_over(page, kind, photo):
    """Drop a photo on the form, or paste it."""
    coded = base64.b64encode(photo.read_bytes()).decode()
    page.locator("[data-photo-drop]").evaluate(HANDED_OVER, [kind, photo.name, coded])


def test_photos_are_dropped_pasted_and_kept_while_a_refusal_is_answered(page, product):
    first, second, *_ = photos_of(SHARON)
    log_in(page, product)
    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="Enrol a person").first.click()
    page.get_by_label("Name").fill("Ariel Sharon")
    page.get_by_label("User id").fill("not an id")
    hand_over(page, "drop", first)
    hand_over(page, "paste", second)
    assert page.locator("[data-photo-names]").inner_text() == f"{first.name}, {second.name}"

    page.get_by_role("button", name="Enrol").click()
    page.get_by_text("A user id has 1 to 64").wait_for()
    assert page.locator("[data-photo-names]").inner_text() == f"{first.name}, {second.name}"
    page.get_by_label("User id").fill("sharon")
    page.get_by_role("button", name="Enrol").click()
    page.wait_for_url("**/profiles/sharon/")

    faces = page.locator("#references img")
    assert faces.count() == 2
    faces.first.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#references img').naturalWidth >= 100")


def test_a_face_like_another_is_forced_without_choosing_the_photo_again(page, product):
    third = photos_of(SHARON)[2]
    log_in(page, product)
    page.goto(f"{product.address}/profiles/enrol/")
    page.get_by_label("User id").fill("double")
    page.get_by_label("Photos", exact=True).set_input_files(third)
    page.get_by_role("button", name="Enrol").click()
    page.get_by_text("The face looks like sharon").wait_for()

    page.get_by_label("Enrol anyway").check()
    page.get_by_role("button", name="Enrol").click()

    page.wait_for_url("**/profiles/double/")


def test_a_photo_is_kept_until_it_is_added_and_then_the_form_is_empty(page, product):
    log_in(page, product)
    page.goto(f"{product.address}/profiles/sharon/")
    page.get_by_text("Add a photo").click()
    page.get_by_label("Photos", exact=True).set_input_files(photos_of(SHARON)[2])
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("The face looks like double").wait_for()  # enrolled with this same photo

    page.get_by_label("Enrol anyway").check()
    page.get_by_role("button", name="Add", exact=True).click()

    page.locator("#references img").nth(2).wait_for()
    assert page.locator("input[multiple]").evaluate("input => input.files.length") == 0


def test_the_heic_of_a_phone_enrols_and_is_shown(page, product, tmp_path):
    photo = tmp_path / "IMG_0001.HEIC"
    with Image.open(photos_of(POWELL)[1]) as jpeg:
        jpeg.save(photo, "HEIF")
    log_in(page, product)
    page.goto(f"{product.address}/profiles/enrol/")
    page.get_by_label("User id").fill("heic")
    page.get_by_label("Photos", exact=True).set_input_files(photo)
    page.get_by_role("button", name="Enrol").click()

    page.wait_for_url("**/profiles/heic/")
    page.locator("#references img").first.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('#references img').naturalWidth >= 100")
    page.goto(f"{product.address}/profiles/heic/erase/")
    page.get_by_role("button", name="Erase permanently").click()
    page.get_by_text("heic is erased").wait_for()


def test_people_are_found_while_typing(page, product):
    log_in(page, product)
    page.goto(f"{product.address}/profiles/")
    page.get_by_label("Name or id begins with").press_sequentially("ari")

    page.locator("#people .card").nth(1).wait_for(state="detached")

    assert page.locator("#people .card").count() == 1
    assert page.url.endswith("?q=ari")


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
    from axe_playwright_python.sync_playwright import Axe

    log_in(page, product)
    page.set_viewport_size({"width": width, "height": 860})
    page.emulate_media(color_scheme=theme)
    for address in ("", "?q=nobody", "enrol/", "sharon/", "sharon/erase/"):
        page.goto(f"{product.address}/profiles/{address}", wait_until="networkidle")
        for summary in page.locator("details > summary").all():
            summary.click()
        name = address.strip("?/").replace("/", "-") or "people"
        page.screenshot(path=artifacts / f"{name}-{theme}-{width}.png", full_page=True)
        found = [
            violation["id"]
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not found, (name, found)
        scroll = page.evaluate("document.documentElement.scrollWidth")
        assert scroll <= width, (name, scroll)


def test_a_person_is_enrolled_without_scripts(plain_page, product):
    log_in(plain_page, product)
    plain_page.goto(f"{product.address}/profiles/enrol/")
    plain_page.get_by_label("User id").fill("powell")
    plain_page.get_by_label("Photos", exact=True).set_input_files(photos_of(POWELL)[0])
    plain_page.get_by_role("button", name="Enrol").click()

    plain_page.wait_for_url("**/profiles/powell/")
    plain_page.goto(f"{product.address}/profiles/powell/erase/")
    plain_page.get_by_role("button", name="Erase permanently").click()
    assert plain_page.get_by_text("powell is erased").is_visible()

"""The page of a cluster by mouse, by keys, and without scripts; and the page of a face."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.e2e.product import Product
from tests.e2e.reviewing import Collection, answered, log_in, log_in_here
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PATH = "press/autumn"


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("clusters")
    shutil.copytree(FACES / "lfw10", root / "buckets" / "press" / "autumn")
    settings = {"BUCKETS_ROOT": root / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(root, **settings).up() as running:
        running.cluster(PATH)
        yield running


@pytest.fixture(scope="module")
def collection(product):
    collection = Collection(product, PATH)
    for who in ("Tony_Blair", "Colin_Powell"):
        photos = sorted((FACES / "lfw10" / who).glob("*.jpg"))
        collection.enrol(who.lower(), who.replace("_", " "), photos)
    return collection


@pytest.fixture
def unchanged(collection):
    """Undo whatever the test decided, newest first."""
    before = [one["id"] for one in collection.decisions()]
    yield
    for one in collection.decisions():
        if one["id"] not in before and one["kind"] != "undo" and not one["is_undone"]:
            answer = collection.post(f"/api/v1/decisions/{one['id']}/undo/", {})
            assert answer.status_code == 201, answer.text


def address(product, label="cluster_0"):
    return f"{product.address}/collections/{PATH}/-/{label}/"


@pytest.fixture
def cluster(page, product, collection, unchanged):
    """Open the first cluster."""
    log_in(page, product)
    page.goto(address(product), wait_until="networkidle")
    return page


def chosen(page):
    return page.locator("[data-grid] input:checked").count()


def tiles(page):
    return page.locator("[data-grid] .face")


def drag_over(page, one, other):
    """Drag a box with the mouse from one face over another."""
    a, b = one.bounding_box(), other.bounding_box()
    page.mouse.move(a["x"] + 40, a["y"] + 60)
    page.mouse.down()
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=5)
    page.mouse.up()


def test_faces_are_chosen_by_click_range_box_and_all(cluster):
    bar = cluster.locator("[data-bar]")
    assert not bar.is_visible()

    tiles(cluster).nth(1).locator("img").click()
    assert chosen(cluster) == 1
    assert bar.is_visible()
    tiles(cluster).nth(4).locator("img").click(modifiers=["Shift"])
    assert chosen(cluster) == 4
    cluster.keyboard.press("Escape")
    assert (chosen(cluster), bar.is_visible()) == (0, False)
    drag_over(cluster, tiles(cluster).nth(0), tiles(cluster).nth(2))
    assert chosen(cluster) == 3
    cluster.keyboard.press("a")
    assert chosen(cluster) == tiles(cluster).count()
    cluster.keyboard.press("a")
    assert chosen(cluster) == 0


def test_arrows_walk_and_with_shift_they_choose(cluster):
    cluster.keyboard.press("ArrowRight")
    cluster.keyboard.press("ArrowRight")
    cluster.keyboard.press("Shift+ArrowRight")
    cluster.keyboard.press("Shift+ArrowRight")

    assert chosen(cluster) == 3
    cluster.keyboard.press("b")
    cluster.wait_for_url("**/faces/*/")


@pytest.mark.parametrize(
    ("key", "kind"),
    [("n", "reject"), ("x", "not_a_face"), ("i", "ignore"), ("s", "split"), ("y", "confirm")],
)
def test_one_key_decides_about_the_selected_faces_and_one_undoes_it(cluster, collection, key, kind):
    before, count = collection.labels(), tiles(cluster).count()
    tiles(cluster).nth(count - 1).locator("img").click()
    tiles(cluster).nth(count - 2).locator("img").click()

    with answered(cluster, "/decide/"):
        cluster.keyboard.press(key)
    cluster.locator("#undo-line button").wait_for()

    assert (collection.newest()["kind"], collection.newest()["face_count"]) == (kind, 2)
    if kind != "confirm":
        assert tiles(cluster).count() == count - 2
        assert cluster.locator("#face-count").inner_text() == str(count - 2)
    line = cluster.locator("#undo-line input[name=decision]").element_handle()
    with answered(cluster, "/undo/"):
        cluster.keyboard.press("z")
    cluster.wait_for_function("line => !line.isConnected", arg=line)
    assert collection.labels() == before
    assert tiles(cluster).count() == count


def test_a_face_is_moved_to_a_named_person(cluster, collection):
    count = tiles(cluster).count()
    tiles(cluster).nth(0).locator("img").click()
    cluster.locator("#move-person").fill("Colin Powell")

    with answered(cluster, "/decide/"):
        cluster.locator("#move-person").press("Enter")
    cluster.locator("#undo-line button").wait_for()

    assert (collection.newest()["kind"], collection.newest()["user_id"]) == ("move", "colin_powell")
    assert tiles(cluster).count() == count - 1


def test_clicks_of_a_mouse_alone(cluster, collection):
    """One to name, one to merge, two to reassign a face once it is in sight."""
    with answered(cluster, "/decide/"):
        cluster.get_by_role("button", name="Yes").first.click()
    cluster.get_by_text("confirmed").first.wait_for()
    assert collection.newest()["kind"] == "choose_profile"

    with answered(cluster, "/decide/"):
        cluster.get_by_role("button", name="Merge").first.click()
    assert collection.newest()["kind"] == "merge"


def test_a_reassignment_takes_two_clicks(cluster, collection):
    tiles(cluster).nth(0).locator("img").click()
    to = cluster.locator("[data-bar]").get_by_role("button", name="to cluster_").first
    label = to.get_attribute("value").removeprefix("move:")
    size = collection.size(label)
    with answered(cluster, "/decide/"):
        to.click()
    assert collection.newest()["kind"] == "move"
    assert collection.size(label) == size + 1


def test_a_face_is_reassigned_by_keys(cluster, collection):
    cluster.keyboard.press("ArrowRight")
    cluster.keyboard.press("Space")
    cluster.keyboard.press("m")
    cluster.keyboard.type("co")
    cluster.locator("[data-bar]").get_by_role("option").first.wait_for()
    cluster.keyboard.press("ArrowDown")
    with answered(cluster, "/decide/"):
        cluster.keyboard.press("Enter")

    cluster.locator("#undo-line button").wait_for()
    assert (collection.newest()["kind"], collection.newest()["user_id"]) == ("move", "colin_powell")


def test_decisions_work_without_scripts(plain_page, product, collection, unchanged):
    log_in(plain_page, product)
    plain_page.goto(address(product))
    count = tiles(plain_page).count()
    plain_page.locator("[data-grid] input").first.check()

    plain_page.get_by_role("button", name="Reject").click()

    assert plain_page.url == address(product)
    assert "1 face rejected from cluster_0." in plain_page.locator("#undo-line").inner_text()
    assert tiles(plain_page).count() == count - 1
    plain_page.get_by_role("button", name="Undo").click()
    assert tiles(plain_page).count() == count


def test_a_queue_works_without_scripts(plain_page, product, collection, unchanged):
    log_in(plain_page, product)
    plain_page.goto(f"{product.address}/collections/{PATH}/-/same/")
    left = plain_page.locator("#queue-count").inner_text()

    plain_page.get_by_role("button", name="Different").first.click()

    assert collection.newest()["kind"] == "not_same"
    assert plain_page.locator("#queue-count").inner_text() != left


def test_the_back_button_and_a_double_click_decide_once(cluster, collection):
    decided = len(collection.decisions())
    tiles(cluster).nth(0).locator("img").click()
    with answered(cluster, "/decide/"):
        cluster.get_by_role("button", name="Reject").dblclick()
    cluster.locator("#undo-line button").wait_for()
    cluster.goto(cluster.url.replace("cluster_0", "cluster_1"))
    cluster.go_back(wait_until="networkidle")

    assert len(collection.decisions()) == decided + 1


def test_a_session_that_ended_loses_nothing(cluster, collection):
    decided = len(collection.decisions())
    tiles(cluster).nth(0).locator("img").click()
    cluster.context.clear_cookies(name="sessionid")

    cluster.get_by_role("button", name="Reject").click()
    cluster.wait_for_url("**/login/**")

    assert len(collection.decisions()) == decided
    assert "/-/cluster_0/" in cluster.url
    log_in_here(cluster, collection.product)
    cluster.wait_for_url("**/-/cluster_0/")
    expect(tiles(cluster).nth(0).locator("input")).to_be_checked()
    assert cluster.get_by_role("button", name="Reject").is_visible()


def test_without_a_connection_the_selection_stays_and_an_error_is_shown(cluster, collection):
    tiles(cluster).nth(0).locator("img").click()
    cluster.context.set_offline(True)

    cluster.get_by_role("button", name="Reject").click()

    cluster.get_by_text("The server cannot be reached").wait_for()
    assert chosen(cluster) == 1
    cluster.context.set_offline(False)


def test_the_face_page_explains_the_grouping(cluster):
    tiles(cluster).nth(0).locator("a.pc").click()
    cluster.wait_for_url("**/faces/*/")

    assert cluster.get_by_text("Grouped automatically").is_visible()
    assert cluster.locator("svg .this").count() == 1
    assert cluster.get_by_role("heading", name="Most similar faces of this person").is_visible()
    assert cluster.get_by_role("heading", name="Other possible people").is_visible()
    shown = cluster.locator("svg image").evaluate("image => image.getBoundingClientRect().width")
    assert shown > 200


def test_people_are_filtered_ordered_and_found_by_name(page, product, collection, unchanged):
    log_in(page, product)
    page.goto(f"{product.address}/collections/{PATH}/")
    everybody = page.locator("#people .card").count()
    body = {
        "collection": PATH,
        "decisions": [{"kind": "choose_profile", "cluster": "cluster_0", "user_id": "tony_blair"}],
    }
    assert collection.post("/api/v1/decisions/", body).status_code == 201

    page.get_by_label("named").fill("TONY")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("1 person").wait_for()
    assert page.locator("#people .card").count() == 1
    page.goto(f"{product.address}/collections/{PATH}/?show=unassigned&order=cohesion")
    assert 0 < page.locator("#people .card").count() < everybody
    page.goto(f"{product.address}/collections/{PATH}/?q=nobody-of-this-name")
    assert page.get_by_text("No results").is_visible()

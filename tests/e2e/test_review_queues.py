"""The queues by keyboard alone, in a real browser: one key, one decision."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.e2e.product import Product
from tests.e2e.reviewing import Collection, answered, log_in, serious
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

PATH = "press/autumn"
KNOWN = ("Tony_Blair", "Colin_Powell", "Ariel_Sharon")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The folder that holds the buckets."""
    root = tmp_path_factory.mktemp("queues") / "buckets"
    shutil.copytree(FACES / "lfw10", root / "press" / "autumn")
    return root


@pytest.fixture(scope="module")
def product(library, model_files):
    settings = {"BUCKETS_ROOT": library, "FACEADMIN_MODELS": model_files}
    with Product(library.parent, **settings).up() as running:
        running.cluster(PATH)
        yield running


@pytest.fixture(scope="module")
def collection(product):
    collection = Collection(product, PATH)
    for who in KNOWN:
        photos = sorted((FACES / "lfw10" / who).glob("*.jpg"))
        collection.enrol(who.lower(), who.replace("_", " "), photos)
    return collection


@pytest.fixture
def queue(page, product, collection):
    """Open a queue and count the keys that are pressed in it."""
    log_in(page, product)
    return Queue(page, f"{product.address}/collections/{PATH}/-/")


class Queue:
    """A queue on the screen, worked by keys."""

    def __init__(self, page, address):
        self.page, self.address, self.keys = page, address, 0

    def open(self, name):
        self.page.goto(f"{self.address}{name}/", wait_until="networkidle")
        return self

    @property
    def card(self):
        return self.page.locator("#stack > .question:visible")

    @property
    def left(self):
        return int(self.page.locator("#queue-count").inner_text().split()[0])

    def shown(self):
        return self.card.locator("input[name=card]").first.input_value()

    def press(self, key):
        """Press one key that answers the card, and wait for the server."""
        before = self.shown()
        with answered(self.page):
            self.page.keyboard.press(key)
            self.keys += 1
            if "who" not in self.page.url:  # there a letter may begin a name for a moment
                assert self.card.count() == 0 or self.shown() != before  # at once, from the page
        self.page.locator(".question.answered").wait_for(state="detached")
        return before

    def undo(self):
        line = self.page.locator("#undo-line input[name=decision]").element_handle()
        with answered(self.page, "/-/undo/"):
            self.page.keyboard.press("z")
            self.keys += 1
        self.page.wait_for_function("line => !line.isConnected", arg=line)

    def line(self):
        return self.page.locator("#undo-line").inner_text()


def test_same_person_is_merged_or_separated_and_undone_by_one_key_each(queue, collection):
    before = collection.labels()
    queue.open("same")
    waiting = queue.left

    pair = queue.press("n")
    assert collection.newest()["kind"] == "not_same"
    assert queue.left == waiting - 1
    assert "not the same person" in queue.line()

    merged = queue.press("y")
    label, other = merged.split("~")
    assert (collection.newest()["kind"], collection.size(other)) == ("merge", 0)
    assert f"{other} merged into {label}" in queue.line()
    queue.undo()
    assert collection.labels() == before
    assert queue.shown() == merged
    queue.undo()
    assert queue.shown() == pair
    assert queue.keys == 4


def test_later_moves_a_card_to_the_end_and_the_order_survives_a_reload(queue, collection):
    queue.open("same")
    waiting, decided = queue.left, len(collection.decisions())

    put_off = queue.press("u")
    queue.page.reload(wait_until="networkidle")

    assert queue.shown() != put_off
    assert queue.left == waiting
    assert len(collection.decisions()) == decided


def test_who_is_this_takes_the_suggestion_by_its_number(queue, collection):
    queue.open("who")
    label = queue.press("1")

    assert collection.newest()["kind"] == "choose_profile"
    assert collection.assigned()[label] == collection.newest()["user_id"]
    queue.undo()
    assert label not in collection.assigned()
    assert queue.keys == 2


def test_a_letter_begins_a_name_and_a_known_one_is_taken_by_enter(queue, collection):
    queue.open("who")
    label = queue.shown()

    with answered(queue.page, "/decide/"):
        queue.page.keyboard.type("ariel_sharon")
        queue.page.keyboard.press("Enter")

    queue.page.locator(".question.answered").wait_for(state="detached")
    assert collection.assigned()[label] == "ariel_sharon"
    queue.undo()


def test_an_enrolled_person_is_named_in_five_keys_at_most(queue, collection):
    queue.open("who")
    label = queue.shown()
    keys = ["/", "a", "r", "ArrowDown", "Enter"]

    for key in keys[:3]:
        queue.page.keyboard.press(key)
    offered = queue.card.get_by_role("option")
    offered.first.wait_for()
    assert offered.all_inner_texts() == ["Ariel Sharon ariel_sharon"]
    assert serious(queue.page) == []
    with answered(queue.page, "/decide/"):
        for key in keys[3:]:
            queue.page.keyboard.press(key)

    queue.page.locator(".question.answered").wait_for(state="detached")
    assert collection.assigned()[label] == "ariel_sharon"
    queue.undo()


def test_a_name_in_small_letters_is_typed_and_presses_no_key(queue, collection):
    queue.open("who")
    decided, label = len(collection.decisions()), queue.shown()

    for letter in "nina":
        queue.page.keyboard.press(letter)

    field = queue.card.get_by_placeholder("type a name")
    expect(field).to_have_value("nina")
    assert (queue.shown(), len(collection.decisions())) == (label, decided)
    queue.page.keyboard.press("Escape")


def test_typed_text_is_not_replaced_by_a_name_it_begins(queue, collection):
    queue.open("who")
    label = queue.shown()

    queue.page.keyboard.press("/")
    queue.page.keyboard.type("ar")
    queue.card.get_by_role("option").first.wait_for()
    queue.page.keyboard.press("Enter")

    queue.page.get_by_role("button", name="It is Ariel Sharon").wait_for()
    assert label not in collection.assigned()
    assert queue.page.get_by_role("button", name="Enrol ar with").is_visible()
    assert serious(queue.page) == []


def test_an_unknown_name_is_offered_to_be_enrolled_from_the_cluster(queue, collection):
    queue.open("who")
    label = queue.shown()

    queue.page.keyboard.press("/")
    queue.page.keyboard.type("José <b>of</b> nowhere")
    queue.page.keyboard.press("Enter")
    offer = queue.page.get_by_role("button", name="Enrol José <b>of</b> nowhere")
    offer.wait_for()
    assert queue.shown() == label
    offer.click()
    queue.page.get_by_role("button", name="It is").wait_for()  # a person who is enrolled already
    queue.page.get_by_role("button", name="anyway").click()
    queue.page.wait_for_url("**/-/who/")

    user_id = collection.assigned()[label]
    assert user_id == "jose-b-of-b-nowhere"
    profile = collection.get(f"/api/v1/profiles/{user_id}/")
    assert profile["name"] == "José <b>of</b> nowhere"
    queue.undo()


def test_triage_decides_about_an_unmatched_face_by_one_key(queue, collection):
    queue.open("triage")
    before, waiting = collection.labels(), queue.left

    stranger = queue.press("i")
    nothing = queue.press("x")
    found = queue.press("1")

    labels = collection.labels()
    assert labels[stranger] == "ignored" if stranger in labels else True
    assert [one["kind"] for one in collection.decisions()[:3]] == ["move", "not_a_face", "ignore"]
    assert labels[found].startswith("cluster_")
    assert queue.left == waiting - 3
    for _ in (found, nothing, stranger):
        queue.undo()
    assert collection.labels() == before
    assert queue.left == waiting
    assert queue.page.url.endswith("/-/triage/")
    assert queue.keys == 6


def test_an_unmatched_face_is_assigned_to_an_enrolled_or_a_new_person(queue, collection):
    queue.open("triage")
    before = collection.labels()
    face = queue.shown()

    with answered(queue.page, "/decide/"):
        queue.page.keyboard.press("m")
        queue.page.keyboard.type("ariel_sharon")
        queue.page.keyboard.press("Enter")
    queue.page.locator(".question.answered").wait_for(state="detached")
    assert collection.assigned()[collection.labels()[face]] == "ariel_sharon"
    assert "moved to Ariel Sharon" in queue.line()
    alone = queue.press("s")
    assert collection.labels()[alone] not in {*before.values()}

    queue.undo()
    queue.undo()
    assert collection.labels() == before


def test_three_fast_answers_are_each_undone(queue, collection):
    queue.open("triage")
    before, decided, waiting = collection.labels(), len(collection.decisions()), queue.left

    for _ in range(3):
        queue.page.keyboard.press("i")
    expect(queue.page.locator(".question.answered")).to_have_count(0)  # all three are in
    assert queue.left == waiting - 3
    assert len(collection.decisions()) == decided + 3
    for _ in range(3):
        queue.undo()

    assert collection.labels() == before
    assert queue.left == waiting


def test_the_odd_one_out_is_confirmed_or_rejected_by_one_key(queue, collection):
    queue.open("odd")
    waiting = queue.left
    assert waiting >= 2

    kept = queue.press("y")
    removed = queue.press("n")

    assert collection.labels()[removed] == "noise"
    assert collection.labels()[kept] != "noise"
    assert [one["kind"] for one in collection.decisions()[:2]] == ["reject", "confirm"]
    assert queue.left == waiting - 2
    for _ in (removed, kept):
        queue.undo()
    assert collection.labels()[removed] != "noise"
    assert queue.left == waiting


def test_new_faces_of_a_person_are_confirmed_or_rejected_by_one_key(page, product, library):
    photos = sorted((FACES / "lfw10" / "Tony_Blair").glob("*.jpg"))
    (library / "press" / "spring").mkdir()
    for some in (photos[:5], photos[5:]):
        for photo in some:
            shutil.copy(photo, library / "press" / "spring")
        product.cluster("press/spring")
    collection = Collection(product, "press/spring")
    log_in(page, product)
    queue = Queue(page, f"{product.address}/collections/press/spring/-/").open("new")
    waiting = queue.left
    assert waiting >= 3

    kept = queue.press("y")
    removed = queue.press("n")

    assert [one["kind"] for one in collection.decisions()[:2]] == ["reject", "confirm"]
    labels = collection.labels()
    assert (labels[removed], labels[kept] == "noise") == ("noise", False)
    for _ in (removed, kept):
        queue.undo()
    assert collection.labels()[removed] != "noise"
    assert queue.left == waiting
    page.get_by_role("button", name="Mark all as seen").click()
    page.wait_for_url("**/press/spring/")
    queue.open("new")
    assert queue.left == 0


def test_a_rejected_person_is_not_suggested_again(queue, collection):
    queue.open("who")
    label, waiting = queue.shown(), queue.left
    suggested = queue.card.get_by_role("button", name="This one").first.get_attribute("value")

    queue.press("n")
    assert collection.newest()["kind"] == "reject_profile"
    queue.open("who")

    assert (queue.shown(), queue.left) == (label, waiting)
    values = [one.get_attribute("value") for one in queue.card.get_by_role("button").all()]
    assert suggested not in values
    queue.undo()
    assert suggested in [
        one.get_attribute("value") for one in queue.card.get_by_role("button").all()
    ]


def test_a_double_click_and_a_held_key_answer_one_card(queue, collection):
    queue.open("triage")
    decided = len(collection.decisions())

    with answered(queue.page):
        queue.card.get_by_role("button", name="Ignore").dblclick()
    expect(queue.page.locator(".question.answered")).to_have_count(0)
    assert len(collection.decisions()) == decided + 1
    with answered(queue.page):
        for _ in range(5):
            queue.page.keyboard.down("i")  # after the first one these are repeats
        queue.page.keyboard.up("i")
    expect(queue.page.locator(".question.answered")).to_have_count(0)
    assert len(collection.decisions()) == decided + 2

    queue.undo()
    queue.undo()


def test_the_other_faces_of_a_card_have_a_button_and_the_next_card_the_focus(queue):
    queue.open("same")

    queue.card.get_by_role("button", name="Other faces").click()
    assert queue.card.locator(".g.back").first.is_visible()
    queue.press("n")

    assert queue.page.evaluate("document.activeElement.matches('.question')")
    assert "not the same person" in queue.page.locator("#said").inner_text()
    queue.undo()


def test_keys_do_nothing_while_typing(queue, collection):
    queue.open("who")
    decided = len(collection.decisions())
    card = queue.shown()

    queue.page.keyboard.press("/")
    queue.page.keyboard.type("nxi1yzu")

    assert queue.card.locator("[data-name-field]").input_value() == "nxi1yzu"
    assert queue.shown() == card
    assert len(collection.decisions()) == decided


def test_help_lists_the_keys(queue):
    queue.open("same")

    queue.page.keyboard.press("?")

    assert queue.page.get_by_role("dialog").is_visible()
    queue.page.keyboard.press("Escape")
    assert not queue.page.get_by_role("dialog").is_visible()


def test_a_conflict_is_shown_to_the_second_reviewer_and_nothing_is_lost(
    queue, collection, chromium
):
    product = collection.product
    context = chromium.new_context()
    other = Queue(context.new_page(), queue.address)
    log_in(other.page, product)
    queue.open("who")
    other.open("who")
    label = queue.shown()
    assert other.shown() == label
    decided = len(collection.decisions())

    queue.press("i")
    with other.page.expect_response(lambda one: "/decide/" in one.url) as got:
        other.page.keyboard.press("i")

    assert got.value.status in (409, 422)
    other.page.get_by_role("alert").first.wait_for()
    assert len(collection.decisions()) == decided + 1
    queue.undo()
    context.close()

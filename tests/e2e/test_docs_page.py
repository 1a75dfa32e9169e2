"""The OpenAPI page in a real browser: it works, and requests only the product itself."""

import re
from urllib.parse import urlsplit

import pytest

from tests.e2e.product import Product

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    with Product(tmp_path_factory.mktemp("docs"), FACEADMIN_MODELS=model_files).up() as running:
        yield running


class Opened:
    """A page with its requests and console messages."""

    def __init__(self, page):
        self.page, self.asked, self.failed, self.said = page, [], [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("response", self._keep_failed)
        page.on("requestfailed", self._keep_blocked)
        page.on("console", lambda line: self.said.append((line.type, line.text)))

    def _keep_failed(self, response):
        if response.status >= 400:
            self.failed.append(response.url)

    def _keep_blocked(self, request):
        if request.failure != "net::ERR_ABORTED":  # by leaving the page before
            self.failed.append(request.url)

    def origins(self):
        """Return the hosts that the page requested, except data URLs."""
        parts = [urlsplit(url) for url in self.asked]
        return {f"{p.scheme}://{p.netloc}" for p in parts if p.scheme not in ("data", "blob")}


@pytest.fixture
def docs(page, product):
    opened = Opened(page)
    log_in(page, product)
    page.goto(f"{product.address}/api/docs/")
    page.locator(".opblock").first.wait_for(timeout=30_000)
    return opened


def log_in(page, product):
    page.goto(product.address)
    page.get_by_label("Username").fill("admin")
    password = re.search(r"password: (\S+)", product.said()).group(1)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(product.address + "/")


def test_the_page_shows_every_operation_and_asks_only_us(docs, product):
    opblocks = docs.page.locator(".opblock")

    schema = docs.page.request.get(f"{product.address}/api/schema/?format=json").json()
    operations = sum(len(methods.keys() - {"parameters"}) for methods in schema["paths"].values())
    assert opblocks.count() == operations >= 12
    assert docs.origins() == {product.address}
    assert not docs.failed
    assert not [line for line in docs.said if line[0] in ("error", "warning")]


def test_an_operation_opens_and_shows_its_example(docs):
    operation = docs.page.locator(".opblock", has_text="/debug-quality-settings").first

    operation.locator(".opblock-summary-control").click()

    shown = operation.locator(".responses-table .example").first
    shown.wait_for()
    assert '"default_min_face_size": 30' in shown.inner_text()


def test_an_operation_is_tried_and_answers_from_here(docs, product):
    operation = docs.page.locator(".opblock", has_text="/debug-quality-settings").first
    operation.locator(".opblock-summary-control").click()

    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    status = operation.locator(".live-responses-table .response-col_status").last
    status.wait_for()
    assert status.inner_text().startswith("200")
    assert docs.origins() == {product.address}


def test_a_stranger_is_refused(page, product):
    answer = page.goto(f"{product.address}/api/docs/")

    assert answer.status in (401, 403)

"""A reviewer in a browser, and the same collection as a REST client sees it."""

import re
from contextlib import contextmanager

import httpx


class Collection:
    """What a client reads of a collection, to compare with what the reviewer did."""

    def __init__(self, product, path):
        self.product, self.path = product, path
        self.headers = {"Authorization": f"Bearer {product.key()}"}

    def get(self, path, **query):
        answer = httpx.get(
            self.product.address + path, params=query, headers=self.headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body):
        return httpx.post(self.product.address + path, json=body, headers=self.headers, timeout=60)

    def enrol(self, user_id, name, photos):
        """Enrol a person by the first photo that shows them alone."""
        for photo in photos:
            answer = httpx.post(
                f"{self.product.address}/detect-face",
                data={"user_id": user_id, "name": name},
                files={"file": (photo.name, photo.read_bytes(), "image/jpeg")},
                headers=self.headers,
                timeout=60,
            )
            if answer.status_code == 201:
                return
        raise AssertionError(answer.text)

    def labels(self):
        rows = self.get("/api/v1/export/clusters/", collection=self.path, format="json")["faces"]
        return {row["face_id"]: row["cluster_id"] for row in rows}

    def size(self, label):
        return self.get(f"/cluster-details-db/{self.path}/{label}", limit=1)["total_faces"]

    def decisions(self):
        return self.get("/api/v1/activity/", collection=self.path)["decisions"]

    def newest(self):
        return self.decisions()[0]

    def assigned(self):
        found = self.get("/api/v1/assignments/", collection=self.path)["assignments"]
        return {one["cluster_id"]: one["user_id"] for one in found}


def log_in(page, product):
    page.goto(f"{product.address}/login/")
    log_in_here(page, product)
    page.wait_for_url(product.address + "/")


def log_in_here(page, product):
    """Fill in the login page after a redirect to it."""
    password = re.search(r"password: (\S+)", product.said()).group(1)
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


@contextmanager
def answered(page, part="/-/"):
    """Wait until the server has answered what is done within."""
    with page.expect_response(lambda one: part in one.url and one.request.method == "POST") as got:
        yield got
    assert got.value.status < 400, got.value.text()


def serious(page):
    """Return the accessibility violations that axe finds."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]

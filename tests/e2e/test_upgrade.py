"""A data folder of an earlier version works with this one, and loses nothing."""

import hashlib
import tarfile
from collections import Counter

import httpx
import pytest

from faceadmin.runtime.data_format import CURRENT, FILE, read_data_format
from tests.e2e.product import ROOT, Product

pytestmark = pytest.mark.e2e

KEPT = ROOT / "tests" / "data" / "installation-format-0.tar.xz"
COLLECTION = "painted/summer"
PASSWORD = "drawn-photos-only"
DECISIONS = ["confirm", "confirm_profile", "move", "not_a_face", "merge", "undo", "not_same"]


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    folder = unpacked(tmp_path_factory.mktemp("upgrade"))
    with Product(folder, FACEADMIN_MODELS=model_files, FACEADMIN_WORKERS=1) as product:
        assert read_data_format(product.data) == 0
        yield product.up()


@pytest.fixture(scope="module")
def rest(product):
    """Call REST with the key that the earlier version created."""
    key = (product.data.parent / "key").read_text().strip()
    headers = {"Authorization": f"Token {key}"}
    with httpx.Client(base_url=product.address, headers=headers, timeout=30) as client:
        yield client


def unpacked(folder):
    # Without filter, which Python 3.11 has from 3.11.4 on only, newer versions warn.
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(KEPT) as kept:
        kept.extractall(folder, **safe)
    return folder


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read(rest, path, **query):
    answer = rest.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sizes(rest):
    status = read(rest, f"/cluster-status-db/{COLLECTION}")
    return {one["cluster_id"]: one["face_count"] for one in status["cluster_details"]}


def decisions(rest):
    return read(rest, "/api/v1/activity/", collection=COLLECTION)["decisions"][::-1]


def test_the_folder_has_the_current_format(product):
    assert read_data_format(product.data) == CURRENT


def test_the_clusters_are_as_they_were_decided(rest):
    assert sizes(rest) == {"cluster_0": 4, "cluster_1": 3, "cluster_2": 2, "cluster_3": 2}
    moved = read(rest, f"/cluster-details-db/{COLLECTION}/cluster_1")["faces"]
    assert Counter(one["put_by"] for one in moved) == {"machine": 2, "ada": 1}


def test_the_decision_log_is_whole(rest):
    log = decisions(rest)

    assert [one["kind"] for one in log] == DECISIONS
    assert [one["is_undone"] for one in log] == [False] * 4 + [True] + [False] * 2


def test_assignments_and_profiles_are_kept(rest):
    rows = read(rest, "/api/v1/assignments/")["assignments"]

    assert {one["cluster_id"]: (one["user_id"], one["state"]) for one in rows} == {
        "cluster_0": ("ada", "confirmed"),
        "cluster_3": ("bob", "assigned"),
    }
    people = read(rest, "/debug-profiles")["profiles"]
    assert [(one["user_id"], one["name"]) for one in people] == [("ada", "Ada"), ("bob", "")]


def test_crops_and_reference_photos_are_served(rest):
    [face, *_] = read(rest, f"/cluster-details-db/{COLLECTION}/cluster_0")["faces"]
    [ada, _] = read(rest, "/api/v1/profiles/")["profiles"]

    for address in (face["crop_url"], face["image_url"], ada["crop_url"]):
        answer = rest.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")


def test_the_stores_agree(product):
    ended = product.command("verify_storage", COLLECTION)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_an_account_logs_in_and_sees_the_people(product):
    with httpx.Client(base_url=product.address, follow_redirects=True, timeout=30) as browser:
        browser.get("/login/")
        form = {
            "username": "rita",
            "password": PASSWORD,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        home = browser.post("/login/", data=form, headers={"Referer": product.address})
        page = browser.get(f"/collections/{COLLECTION}/")

    assert (home.status_code, page.status_code) == (200, 200)
    assert "Ada" in page.text


def test_an_earlier_decision_is_undone_and_a_new_one_made(rest):
    move = next(one for one in decisions(rest) if one["kind"] == "move")

    undone = rest.post(f"/api/v1/decisions/{move['id']}/undo/", json={})
    assert undone.status_code == 201, undone.text
    assert sizes(rest)["cluster_1"] == 2

    ask = {"kind": "choose_profile", "cluster": "cluster_2", "user_id": "bob"}
    made = rest.post("/api/v1/decisions/", json={"collection": COLLECTION, "decisions": [ask]})
    assert made.status_code == 201, made.text
    log = decisions(rest)
    assert [one["kind"] for one in log] == [*DECISIONS, "undo", "choose_profile"]
    assert [one["number"] for one in log] == list(range(1, 10))


def test_a_folder_of_a_newer_version_is_refused_unchanged(tmp_path):
    product = Product(unpacked(tmp_path))
    (product.data / FILE).write_text(f"{CURRENT + 1}\n")
    before = contents(product.data)

    for command in (["up"], ["verify_storage", COLLECTION], ["create_key", "--name", "new"]):
        ended = product.command(*command)

        assert ended.returncode == 2
        assert f"has format {CURRENT + 1}" in ended.stderr
    assert contents(product.data) == before

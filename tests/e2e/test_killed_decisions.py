"""SIGKILL while a decision is written, and while a preview is applied: whole or not there."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import httpx
import pymongo
import pytest

from tests.e2e.product import ROOT, Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PATH = "benchmark/faces"
FACES_STORED = 16_700  # three tenths of them are one person
FILL = """
import django; django.setup()
from benchmarks.stored_collection import StoredCollection
StoredCollection({path!r}, faces={faces}, dimension=16).write()
"""


class Reviewer:
    """Decide over REST in a product that is killed and started again."""

    def __init__(self, product, path):
        self.product, self.path = product, path
        self.headers = {"Authorization": f"Bearer {product.key()}"}

    def get(self, path, **query):
        answer = httpx.get(
            self.product.address + path, params=query, headers=self.headers, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, body=None):
        return httpx.post(
            self.product.address + path, json=body or {}, headers=self.headers, timeout=60
        )

    def decide(self, kind, **asked):
        body = {"collection": self.path, "decisions": [{"kind": kind, **asked}]}
        answer = self.post("/api/v1/decisions/", body)
        assert answer.status_code == 201, answer.text
        return answer.json()["results"][0]["decision"]

    def count(self, label):
        return self.get(f"/cluster-details-db/{self.path}/{label}", limit=1)["total_faces"]

    def labels(self):
        rows = self.get("/api/v1/export/clusters/", collection=self.path, format="json")["faces"]
        return {row["face_id"]: row["cluster_id"] for row in rows}

    def decisions(self):
        return [
            one["id"] for one in self.get("/api/v1/activity/", collection=self.path)["decisions"]
        ]

    def seen_run(self):
        return self.get(f"/api/v1/collections/{self.path}/")["current_run"]["clustering_id"]

    def is_rebuilt_alike(self):
        ended = self.product.command("rebuild_decisions", self.path)
        return (ended.returncode, "nothing changed" in ended.stdout) == (0, True)


def killed_and_started(product):
    product.stop(signal.SIGKILL)
    product.wait_for(lambda: not product.processes())
    product.up()


def member_of(product, run, face):
    """Return the label of a face as the document store has it now."""
    address = f"mongodb://127.0.0.1:{product.environment['FACEADMIN_MONGODB_PORT']}"
    with pymongo.MongoClient(address) as client:
        [name] = [one for one in client.list_database_names() if one not in ("admin", "local")]
        return client[name]["members"].find_one({"_id": f"{run}:{face}"})["cluster"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory, model_files):
    root = tmp_path_factory.mktemp("killed")
    product = Product(root, FACEADMIN_MODELS=model_files)
    with product.up():
        environment = {**product.environment, "DJANGO_SETTINGS_MODULE": "faceadmin.settings"}
        script = FILL.format(path=PATH, faces=FACES_STORED)
        subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
        yield product


def test_a_merge_of_five_thousand_is_whole_and_undone_face_by_face(filled):
    reviewer = Reviewer(filled, PATH)
    before, large = reviewer.labels(), reviewer.count("cluster_0")
    assert large >= 5000

    merged = reviewer.decide("merge", cluster="cluster_1", other="cluster_0")
    killed_and_started(filled)
    assert reviewer.count("cluster_0") == 0
    assert reviewer.count("cluster_1") == large + 10
    assert reviewer.is_rebuilt_alike()

    undone = reviewer.post(f"/api/v1/decisions/{merged['id']}/undo/").json()
    first, run = undone["faces"][0], merged["clustering_id"]
    filled.wait_for(lambda: member_of(filled, run, first) == "cluster_0")
    killed_and_started(filled)
    assert reviewer.labels() == before
    assert (reviewer.count("cluster_0"), reviewer.count("cluster_1")) == (large, 10)
    assert reviewer.is_rebuilt_alike()


@pytest.mark.parametrize("after", [0.0, 0.02])
def test_a_decision_that_was_not_answered_is_whole_or_not_there(filled, after):
    """The request is on its way when everything is killed."""
    reviewer = Reviewer(filled, PATH)
    known, labels = reviewer.decisions(), reviewer.labels()
    one, other = ("cluster_20", "cluster_21") if after else ("cluster_22", "cluster_23")

    def ask():
        with suppress(httpx.HTTPError, AssertionError):
            reviewer.decide("merge", cluster=one, other=other)

    request = threading.Thread(target=ask)
    request.start()
    request.join(after)
    killed_and_started(filled)
    request.join()

    counts = reviewer.count(one), reviewer.count(other)
    if reviewer.decisions() == known:
        assert (counts, reviewer.labels()) == ((10, 10), labels)
    else:
        assert counts == (20, 0)
    assert reviewer.is_rebuilt_alike()


@needs_labelled_photos
def test_a_preview_that_is_applied_while_everything_dies(tmp_path, model_files):
    path = "faces/some"
    for person in ("George_W_Bush", "Hugo_Chavez", "Jacques_Chirac"):
        shutil.copytree(FACES / "lfw10" / person, tmp_path / "buckets" / path / person)
    settings = {"BUCKETS_ROOT": tmp_path / "buckets", "FACEADMIN_MODELS": model_files}
    with Product(tmp_path, **settings).up() as product:
        product.cluster(path)
        reviewer = Reviewer(product, path)
        first, second = [face for face, at in reviewer.labels().items() if at == "cluster_0"][:2]
        reviewer.decide("reject", faces=[first], cluster="cluster_0")
        asked = reviewer.post(f"/cluster-bucket-with-db/{path}?preview=true&full=true&eps=0.07")
        run = asked.json()["clustering_id"]
        product.wait_for(lambda: reviewer.get(f"/api/v1/runs/{run}/")["state"] == "finished")
        reviewer.decide("reject", faces=[second], cluster=reviewer.labels()[second])

        assert reviewer.post(f"/api/v1/runs/{run}/apply/").status_code == 202
        killed_and_started(product)
        os.kill(product.processes("manage.py", "workers")[-1], signal.SIGKILL)

        product.wait_for(
            lambda: (
                reviewer.get(f"/api/v1/collections/{path}/")["current_run"]["clustering_id"] == run
            )
        )
        labels = reviewer.labels()
        others = [at for face, at in labels.items() if face not in (first, second)]
        most = max(set(others), key=others.count)
        assert most not in (labels[first], labels[second])
        assert len(reviewer.decisions()) == 2
        assert reviewer.is_rebuilt_alike()

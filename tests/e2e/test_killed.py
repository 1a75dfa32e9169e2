"""SIGKILL of anything in mid-run: the run ends with exactly the faces it would have had."""

import os
import shutil
import signal

import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

COPIES = 4
COLLECTION = "faces/many"


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory):
    """A bucket in which a run takes long enough to be killed in its middle."""
    root = tmp_path_factory.mktemp("buckets")
    for copy in range(COPIES):
        shutil.copytree(FACES / "lfw10", root / COLLECTION / f"copy{copy}")
    return root


def faces_of(product, key):
    """Return every stored face of the collection by id, with its cluster."""
    _, status = product.get(f"/cluster-status-db/{COLLECTION}", key=key)
    found = {}
    for label in (*(one["cluster_id"] for one in status["cluster_details"]), "noise"):
        _, details = product.get(f"/cluster-details-db/{COLLECTION}/{label}", key=key)
        assert details["next"] is None
        found.update(dict.fromkeys(details["face_ids"], label))
    return found


def progress_of(product, key):
    _, status = product.get(f"/cluster-status-db/{COLLECTION}", key=key)
    return status or {}


def kill(product, *words):
    """Kill the youngest process whose command line has all words."""
    os.kill(product.processes(*words)[-1], signal.SIGKILL)


def test_killing_each_part_and_then_everything_changes_nothing(many_photos, model_files, tmp_path):
    settings = {"BUCKETS_ROOT": many_photos, "FACEADMIN_MODELS": model_files}
    with Product(tmp_path / "calm", **settings).up() as calm:
        calm.cluster(COLLECTION)
        expected = faces_of(calm, calm.key())
    product = Product(tmp_path / "killed", **settings)
    product.up()
    key = product.key()
    status, _ = product.post(f"/cluster-bucket-with-db/{COLLECTION}?batch_size=5", key=key)
    assert status == 202

    def done_reaches(number):
        progress = progress_of(product, key).get("progress") or {}
        return progress.get("done", 0) >= number

    for number, victim in (
        (20, ("manage.py", "workers")),
        (80, ("storage.vectors.embedded.server",)),
        (140, ("nx_27017",)),
    ):
        product.wait_for(lambda number=number: done_reaches(number))
        kill(product, *victim)
    product.wait_for(lambda: done_reaches(200))
    product.stop(signal.SIGKILL)
    product.wait_for(lambda: not product.processes())
    product.up()
    interrupted_at = progress_of(product, key)

    product.wait_for(lambda: progress_of(product, key).get("state") == "finished", seconds=240)

    assert interrupted_at["state"] != "finished"
    assert faces_of(product, key) == expected
    _, report = product.get(f"/verify-fixed-storage/{COLLECTION}", key=key)
    assert report["consistency_check"]["total_consistency"] is True
    product.stop()

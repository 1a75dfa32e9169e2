"""A run whose bucket disappears during reading waits, and finishes with the same faces."""

import shutil

import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

COLLECTION = "faces/many"
PHOTOS = 40


@pytest.fixture
def buckets(tmp_path):
    folder = tmp_path / "buckets" / COLLECTION
    folder.mkdir(parents=True)
    for number, photo in enumerate(sorted((FACES / "lfw10").rglob("*.jpg"))[:PHOTOS]):
        shutil.copy(photo, folder / f"{number:02d}.jpg")
    return tmp_path / "buckets"


def test_a_bucket_that_is_moved_in_mid_run_loses_no_face(buckets, model_files, tmp_path):
    settings = {"BUCKETS_ROOT": buckets, "FACEADMIN_MODELS": model_files}
    with Product(tmp_path / "product", **settings).up() as product:
        key = product.key()
        first = product.cluster(COLLECTION)["stats"]

        def status():
            return product.get(f"/cluster-status-db/{COLLECTION}", key=key)[1] or {}

        product.post(f"/cluster-bucket-with-db/{COLLECTION}?full=true&batch_size=1", key=key)
        product.wait_for(lambda: status().get("state") == "working")
        (buckets / "faces").rename(buckets / "elsewhere")
        product.wait_for(lambda: status().get("waiting_for"))
        waiting = status()
        (buckets / "elsewhere").rename(buckets / "faces")
        product.wait_for(lambda: status()["state"] not in ("working", "grouping"), seconds=240)
        finished = status()
        _, report = product.get(f"/verify-fixed-storage/{COLLECTION}", key=key)

    assert (waiting["state"], waiting["progress"]["failed"]) == ("working", 0)
    assert "There is no bucket 'faces'" in waiting["waiting_for"]
    assert finished["state"] == "finished"
    assert finished["processing_stats"]["skipped"] == {}
    assert finished["total_faces"] == first["total_faces"]
    assert finished["num_clusters"] == first["num_clusters"]
    assert report["consistency_check"]["total_consistency"] is True

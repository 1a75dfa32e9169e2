"""Settings about models as tests give them, without the engine."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from vision.catalogue import CATALOGUE
from vision.errors import ModelMissing
from vision.weights import model_path

# Where a machine keeps downloaded models between test runs.
_NAMED = os.environ.get("FACEADMIN_MODELS", "").split(os.pathsep)
_KEPT = os.environ.get("FACEADMIN_TEST_MODELS", Path(tempfile.gettempdir()) / "models")
MODELS = (*(Path(part) for part in _NAMED if part), Path(_KEPT))


@dataclass(frozen=True)
class Named:
    cache: Path
    detector: str = "auto"
    embedder: str = "auto"
    models: tuple[Path, ...] = ()


def real_model(name, cache):
    """Return the graph of a real model, or skip the test where its file is not at hand."""
    try:
        return model_path(CATALOGUE[name], models=MODELS, cache=cache)
    except ModelMissing:
        pytest.skip(
            f"the file of {name} is not at hand: FACEADMIN_TEST_MODELS names no such folder"
        )

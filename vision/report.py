"""Reports on models for `models list` and `models verify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vision.detectors import make_detector
from vision.embedders import make_embedder
from vision.errors import ModelMissing, ModelRefused, VisionError
from vision.models.catalogue import CATALOGUE, Job, ModelEntry
from vision.models.custom import find_entry
from vision.models.files import model_path, published_path
from vision.models.selection import AUTO, ModelSettings, active_pair
from vision.models.sessions import Session, Shape, open_session

_COLOURS = 3
_VECTORS = 2  # axes of an embedder's output


@dataclass(frozen=True)
class ModelRow:
    """Local state of a model; `trouble` is the reason why its file is refused."""

    id: str
    job: Job
    licence: str
    sha256: str
    path: Path | None
    is_sound: bool
    is_active: bool
    trouble: str = ""


@dataclass(frozen=True)
class ModelShapes:
    """Input and output shapes of a test run of a model, its declared input, file and licence."""

    id: str
    path: Path
    sha256: str
    licence: str
    declared_input: Shape
    given_input: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]


def report_models(settings: ModelSettings) -> list[ModelRow]:
    """Return a row for each model of the catalogue and each custom file of the settings."""
    active = _active_ids(settings)
    return [_row(entry, settings, active) for entry in _entries(settings).values()]


def verify_model(name: str, settings: ModelSettings, *, threads: int = 1) -> ModelShapes:
    """Run a model once on a synthetic image and return the shapes of input and outputs.

    Raises ModelMissing, or ModelRefused if the file or its output is not as expected.
    """
    entry = _entries(settings).get(name) or _named_entry(name, settings)
    path = model_path(entry, models=settings.models, cache=settings.cache)
    session = open_session(path, threads)
    image = _drawn_image(_image_shape(session.input_shape, entry)).astype(np.float32)
    outputs = session.run(image)
    _contract_check(entry, session)
    return ModelShapes(
        id=entry.id,
        path=path,
        sha256=entry.sha256,
        licence=entry.licence,
        declared_input=session.input_shape,
        given_input=image.shape,
        outputs=tuple(output.shape for output in outputs),
    )


def _entries(settings: ModelSettings) -> dict[str, ModelEntry]:
    entries = dict(CATALOGUE)
    for job, name in ((Job.DETECT, settings.detector), (Job.EMBED, settings.embedder)):
        if name != AUTO and name not in CATALOGUE and Path(name).expanduser().is_file():
            own = find_entry(name, job, cache=settings.cache)
            entries[own.id] = own
    return entries


def _named_entry(name: str, settings: ModelSettings) -> ModelEntry:
    path = Path(name).expanduser().absolute()
    if path.suffix != ".onnx" or not path.is_file():
        raise ModelMissing(f"No model is called {name!r}; known are {', '.join(CATALOGUE)}.")
    shapes = open_session(path, 1).output_shapes
    job = Job.EMBED if len(shapes) == 1 and len(shapes[0]) == _VECTORS else Job.DETECT
    return find_entry(name, job, cache=settings.cache)


def _contract_check(entry: ModelEntry, session: Session) -> None:
    """Run a model once by the code of its family; raise ModelRefused if that fails."""
    if entry.job is Job.DETECT:
        make_detector(entry, session).detect([_drawn_image((64, 64, _COLOURS))])
    else:
        embedder = make_embedder(entry, session)
        embedder.embed(_drawn_image((1, embedder.side, embedder.side, _COLOURS)))


def _drawn_image(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a synthetic image; a black one could give a zero vector, which has no direction."""
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(np.uint8)


def _active_ids(settings: ModelSettings) -> set[str]:
    try:
        pair = active_pair(settings)
    except VisionError:
        return set()  # the rows report which file is missing or refused
    return {pair.detector.id, pair.embedder.id}


def _row(entry: ModelEntry, settings: ModelSettings, active: set[str]) -> ModelRow:
    path, trouble = None, ""
    try:
        path = published_path(entry, models=settings.models, cache=settings.cache)
    except ModelRefused as refusal:
        trouble = str(refusal)
    return ModelRow(
        id=entry.id,
        job=entry.job,
        licence=entry.licence,
        sha256=entry.sha256,
        path=path,
        is_sound=path is not None,
        is_active=entry.id in active,
        trouble=trouble,
    )


def _image_shape(declared: Shape, entry: ModelEntry) -> tuple[int, ...]:
    """Replace free dimensions: one RGB image with the entry's side."""
    is_channels_last = declared[-1] == _COLOURS
    side = entry.side
    axes = (1, side, side, _COLOURS) if is_channels_last else (1, _COLOURS, side, side)
    return tuple(size or free for size, free in zip(declared, axes, strict=True))

"""What `models list` and `models verify` say about every known model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision.catalogue import CATALOGUE, Job, ModelEntry
from vision.entries import entry_of
from vision.errors import ModelMissing, ModelRefused, VisionError
from vision.pair import AUTO, ModelSettings, pair_in_force
from vision.sessions import Shape, open_session
from vision.weights import model_path, published_path

_COLOURS = 3


@dataclass(frozen=True)
class ModelRow:
    """One model as it stands on this machine; `trouble` says why its file is refused."""

    id: str
    job: Job
    licence: str
    sha256: str
    path: Path | None
    is_sound: bool
    is_in_force: bool
    trouble: str = ""


@dataclass(frozen=True)
class ModelShapes:
    """What a model took and gave when it ran once, and what it declares."""

    id: str
    path: Path
    declared_input: Shape
    given_input: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]


def models_report(settings: ModelSettings) -> list[ModelRow]:
    """Return a row for each model of the catalogue, and for the files that settings name."""
    in_force = _in_force(settings)
    return [_row(entry, settings, in_force) for entry in _entries(settings).values()]


def model_verify(name: str, settings: ModelSettings, *, threads: int = 1) -> ModelShapes:
    """Run a model once over a black image and return the shapes that went in and came out."""
    entry = _entries(settings).get(name) or _named_entry(name, settings)
    path = model_path(entry, models=settings.models, cache=settings.cache)
    session = open_session(path, threads)
    image = np.zeros(_image_shape(session.input_shape, entry), dtype=np.float32)
    outputs = session.run(image)
    return ModelShapes(
        id=entry.id,
        path=path,
        declared_input=session.input_shape,
        given_input=image.shape,
        outputs=tuple(output.shape for output in outputs),
    )


def _entries(settings: ModelSettings) -> dict[str, ModelEntry]:
    entries = dict(CATALOGUE)
    for job, name in ((Job.DETECT, settings.detector), (Job.EMBED, settings.embedder)):
        if name != AUTO and name not in CATALOGUE and Path(name).expanduser().is_file():
            own = entry_of(name, job, cache=settings.cache)
            entries[own.id] = own
    return entries


def _named_entry(name: str, settings: ModelSettings) -> ModelEntry:
    if Path(name).suffix != ".onnx":
        raise ModelMissing(f"No model is called {name!r}; known are {', '.join(CATALOGUE)}.")
    return entry_of(name, Job.EMBED, cache=settings.cache)


def _in_force(settings: ModelSettings) -> set[str]:
    try:
        pair = pair_in_force(settings)
    except VisionError:
        return set()  # the rows say which file is missing or refused
    return {pair.detector.id, pair.embedder.id}


def _row(entry: ModelEntry, settings: ModelSettings, in_force: set[str]) -> ModelRow:
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
        is_in_force=entry.id in in_force,
        trouble=trouble,
    )


def _image_shape(declared: Shape, entry: ModelEntry) -> tuple[int, ...]:
    """Fill free dimensions: one image of the entry's side in three colours."""
    is_channels_last = declared[-1] == _COLOURS
    side = entry.side
    axes = (1, side, side, _COLOURS) if is_channels_last else (1, _COLOURS, side, side)
    return tuple(size or free for size, free in zip(declared, axes, strict=True))

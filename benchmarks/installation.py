"""An installation of the product in its own folder, used from outside by commands and REST."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START_S = 300
NO_ANSWER = 0


class Gone(Exception):
    """The launcher ended without being killed."""


class Installation:
    """A product started by ``manage.py up``: its processes, commands and REST interface."""

    def __init__(self, folder: Path, *, buckets: Path, models: str) -> None:
        self.data, self._log, self._key = folder / "data", folder / "up.log", ""
        self._launcher: subprocess.Popen[bytes] | None = None
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._environment = {
            **os.environ,
            "FACEADMIN_DATA": str(self.data),
            "FACEADMIN_PORT": str(port),
            "FACEADMIN_MONGODB_PORT": str(free_port()),
            "FACEADMIN_MODELS": models,
            "BUCKETS_ROOT": str(buckets),
            "REQUESTS_PER_MINUTE": "1000000",
        }

    def start(self) -> None:
        """Start the product and wait until it is ready."""
        with self._log.open("ab") as log:
            self._launcher = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_ready(START_S)

    def stop(self) -> None:
        """Stop the product."""
        if self._launcher is not None and self._launcher.poll() is None:
            self._launcher.terminate()
            try:
                self._launcher.wait(90)
            except subprocess.TimeoutExpired:
                self._launcher.kill()
                self._launcher.wait()

    def is_up(self) -> bool:
        """Return whether the launcher runs; raise Gone if it ended without being killed."""
        assert self._launcher is not None
        code = self._launcher.poll()
        if code is not None and code != -signal.SIGKILL:
            raise Gone(f"The launcher ended with {code}:\n{self._log.read_text()[-2000:]}")
        return code is None

    def wait_ready(self, seconds: float) -> float:
        """Wait until every part is ready; return the seconds. The launcher must be running."""
        started = time.monotonic()
        while self.call("GET", "/health/ready", seconds=10)[0] != 200:
            if not self.is_up():
                raise Gone("The launcher was killed while it was waited for.")
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"not ready within {seconds:.0f} s: {self.health()}")
            time.sleep(0.2)
        return time.monotonic() - started

    def health(self) -> Any:
        """Return the body of the readiness check."""
        return self.call("GET", "/health/ready", seconds=10)[1]

    def processes(self) -> dict[int, str]:
        """Return the command line of each of the product's processes by process id."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if f"FACEADMIN_DATA={self.data}".encode() in environment and words[0]:
                found[int(folder.name)] = " ".join(words[1:4]).strip()[:40]
        return found

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run a management command; return its exit code and output."""
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr

    def create_key(self) -> None:
        """Create the API key that later calls send."""
        code, output = self.command("create_key", "--role", "admin", "--name", "soak")
        assert code == 0, output
        self._key = output.strip().splitlines()[-1]

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        form: tuple[Mapping[str, str], bytes] | None = None,
        seconds: float = 60,
    ) -> tuple[int, Any]:
        """Return status and JSON body; ``NO_ANSWER`` if the outcome is unknown."""
        headers, data = {}, None
        if self._key:
            headers["Authorization"] = f"Token {self._key}"
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        if form is not None:
            headers["Content-Type"], data = _multipart(*form)
        request = urllib.request.Request(
            self.address + path, data=data, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, _json_or_none(refusal.read)
        except (OSError, ValueError, http.client.HTTPException):
            return NO_ANSWER, None  # includes truncated responses


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json_or_none(read: Callable[[], bytes]) -> Any:
    try:
        return json.loads(read())
    except (OSError, ValueError, http.client.HTTPException):
        return None


def _multipart(fields: Mapping[str, str], file: bytes) -> tuple[str, bytes]:
    boundary = uuid.uuid4().hex
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="people.zip"\r\n'
        "Content-Type: application/zip\r\n\r\n".encode()
    )
    return (
        f"multipart/form-data; boundary={boundary}",
        b"".join([*lines, file, f"\r\n--{boundary}--\r\n".encode()]),
    )

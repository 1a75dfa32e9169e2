"""The installed product: processes on a data folder, commands, addresses."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.stores import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


class Product:
    """An installation in a folder of its own, on ports of its own."""

    def __init__(self, folder, **settings):
        self.data = folder / "data"
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "up.log"
        self.process = None
        self.environment = {
            **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
            "FACEADMIN_DATA": str(self.data),
            "FACEADMIN_PORT": str(self.port),
            "FACEADMIN_MONGODB_PORT": str(free_port()),
            **{name: str(value) for name, value in settings.items()},
        }

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.stop()

    def command(self, *arguments, **settings):
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env={**self.environment, **{name: str(value) for name, value in settings.items()}},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 3,
            check=False,
        )

    def cluster(self, collection, *options, **settings):
        """Run a collection to its end and return the result."""
        ended = self.command("cluster_bucket", collection, "--wait", "--json", *options, **settings)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def key(self, role="admin"):
        """Return a new API key."""
        ended = self.command("create_key", "--role", role, "--name", "end to end")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def up(self):
        """Start everything and wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, ROOT / "manage.py", "up"],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for(lambda: self.get("/health/ready")[0] == 200)
        return self

    def stop(self, number=signal.SIGTERM):
        """End the launcher and with it everything."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(60)
        self.process = None

    def get(self, path, *, key=""):
        """Return status and JSON of an address; (0, None) without a response."""
        return self._call("GET", path, key)

    def post(self, path, *, key=""):
        """Post and return status and JSON."""
        return self._call("POST", path, key)

    def _call(self, method, path, key):
        request = urllib.request.Request(self.address + path, method=method)
        if key:
            request.add_header("Authorization", f"Token {key}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)
        except OSError:
            return 0, None

    def wait_for(self, is_so, *, seconds=PATIENCE_S):
        """Poll until a condition is true."""
        give_up = time.monotonic() + seconds
        while not is_so():
            if self.process is not None and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode}:\n{self.said()}")
            assert time.monotonic() < give_up, self.said()
            time.sleep(0.1)

    def said(self):
        """Return what the launcher printed."""
        return self.log.read_text() if self.log.exists() else ""

    def processes(self, *words):
        """Return the ids of processes of this installation whose command line has all words."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and self._is_ours(folder):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if all(word in line for word in words):
                    found.append(int(folder.name))
        return sorted(found)

    def _is_ours(self, folder):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"FACEADMIN_DATA={self.data}".encode() in environment


# The address of MongoDB and Qdrant servers is not passed on: an installation has its own stores.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
PASSED_ON += ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PYTHONPATH")

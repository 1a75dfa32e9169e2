"""Stores and web server of a product over a generated collection, in separate processes.

`Product` starts this file with ``--fill``: it writes the documents, starts the services, and
prints the values for URLs as JSON; it ends when its standard input is closed.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

COLLECTION = "benchmark/faces"
SAMPLES = 40  # values per name, used in turn by the requests
PEOPLE = 200
REST = ("/api/", "/cluster-")


@dataclass(frozen=True)
class Answer:
    """Duration in milliseconds and size in bytes of a response."""

    took: float
    size: int


class Product:
    """Stores and web server over one generated collection."""

    def __init__(self, size: int, folder: Path, *, port: int, dimension: int) -> None:
        self.size, self.port = size, port
        folder.mkdir()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "faceadmin.settings",
            "FACEADMIN_DATA": str(folder),
            "FACEADMIN_PORT": str(port),
            "REQUESTS_PER_MINUTE": "1000000",
        }
        command = [__file__, "--fill", str(size), "--dimension", str(dimension)]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._values: dict[str, list[str]] = {}

    def wait(self) -> None:
        """Wait until everything is stored and the server responds."""
        self._values = json.loads(self._process.stdout.readline())

    def ask(self, address: str, turn: int, *, first_byte: bool = False) -> Answer:
        """Request a URL after filling in the names in braces; pages get a session."""
        values = {name: some[turn % len(some)] for name, some in self._values.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()  # not counted; the server would close an idle connection between turns
        started = time.perf_counter()
        connection.request("GET", address.format(**values), headers=_headers(address, values))
        answer = connection.getresponse()
        body = answer.read(1 if first_byte else None)
        took = 1000 * (time.perf_counter() - started)
        connection.close()
        assert answer.status == 200, (address, answer.status, body)
        return Answer(took, len(body))

    def stop(self) -> None:
        """Stop all processes."""
        self._process.stdin.close()
        self._process.wait()


def _headers(address: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of authentication: a session for pages, a key for REST."""
    if address.startswith(REST):
        return {"Authorization": f"Token {values['key']}"}
    return {"Cookie": f"sessionid={values['session']}", "Accept": "text/html"}


def fill_and_serve(options: argparse.Namespace) -> None:
    """Fill the stores, serve them, print the values; end when the parent closes standard input."""
    import django

    django.setup()
    from faceadmin.runtime.services import WEB, local_services

    running, quiet = [], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        for service in local_services(web=False):
            if service.name == "workers":
                continue
            running.append(subprocess.Popen(service.command(), cwd=ROOT, **quiet))
            while not service.is_ready(running[-1].pid):
                time.sleep(0.05)
        values = {**accounts(), **fill(options.fill, options.dimension)}
        running.append(subprocess.Popen([sys.executable, *WEB[1:]], cwd=ROOT, stdout=sys.stderr))
        web_wait()
        print(json.dumps(values), flush=True)
        sys.stdin.read()
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def accounts() -> dict[str, list[str]]:
    """Create the tables, an admin's key, and an admin's session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command

    from faceadmin.runtime.bootstrap import make_folders
    from web.auth import create_key
    from web.roles import Role

    make_folders()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    person = User.objects.create_superuser("benchmark", password="benchmark-password")
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    key = create_key("benchmark", Role.ADMIN)[1]
    return {"key": [key], "session": [session.session_key]}


def web_wait() -> None:
    """Wait until the web server responds."""
    from django.conf import settings

    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", settings.FACEADMIN_PORT)
            connection.request("GET", "/health/live")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return


def fill(faces: int, dimension: int) -> dict[str, list[str]]:
    """Store a collection with ``faces`` faces; return the values for URLs."""
    from benchmarks.stored_collection import StoredCollection

    stored = StoredCollection(COLLECTION, faces=faces, dimension=dimension)
    stored.write()
    stored.write_people(PEOPLE)
    return {
        "path": [COLLECTION],
        "run": [stored.run_id],
        "face": stored.sample_faces(SAMPLES),
        "later": stored.later_cursors(SAMPLES),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fill", type=int, required=True)
    parser.add_argument("--dimension", type=int, required=True)
    fill_and_serve(parser.parse_args())

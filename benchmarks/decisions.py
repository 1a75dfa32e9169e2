"""Latency of a reviewer's decision, on an idle product and while a run is active.

`python benchmarks/decisions.py [FOLDER] [--faces 1000 10000 50000] [--verdicts 60] [--models PATH]`

Each size is a separate product (`manage.py up`: web server, workers, embedded stores), filled with
documents and random unit vectors; a third of the faces is one person, the others are ten each.
Decisions are sent over REST, one after the other, as by one reviewer. During the second
measurement, a run reads the photos of FOLDER in another collection of the same product, repeatedly.
A merge of thousands of faces is answered before it is fully written; the last columns are the time
until readers see all of it.
"""

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PORT, MONGODB_PORT = 9390, 9490
COLLECTION, WORKED_ON = "benchmark/faces", "benchmark/photos"
COPIES = 20  # of each photo, under different names
SUFFIXES = {".jpg", ".jpeg"}


def main() -> None:
    """Print the table of each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="photos for the concurrent run")
    parser.add_argument("--faces", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--verdicts", type=int, default=60, help="of each kind")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--models", default="", help="as FACEADMIN_MODELS")
    parser.add_argument("--measure", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options)
        return
    for number, faces in enumerate(options.faces):
        with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
            measured_apart(faces, Path(folder), number=number, options=options)


def measured_apart(faces: int, folder: Path, *, number: int, options: argparse.Namespace) -> None:
    """Start a product on a folder, and measure from a process with access to its stores."""
    if options.folder is not None:
        target = folder / "buckets" / WORKED_ON
        target.mkdir(parents=True)
        for photo in sorted(options.folder.rglob("*")):
            if photo.suffix.lower() in SUFFIXES:
                for copy in range(COPIES):
                    shutil.copy(photo, target / f"{photo.parent.name}-{copy}-{photo.name}")
    environment = {
        **os.environ,
        "FACEADMIN_DATA": str(folder / "data"),
        "BUCKETS_ROOT": str(folder / "buckets"),
        "FACEADMIN_PORT": str(PORT + number),
        "FACEADMIN_MONGODB_PORT": str(MONGODB_PORT + number),
        "FACEADMIN_MODELS": options.models,
    }
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    launcher = subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, **quiet
    )
    try:
        subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--measure", str(faces)],
            env=environment,
            check=True,
        )
    finally:
        launcher.terminate()
        launcher.wait()


class Client:
    """One reviewer with one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers: dict[str, str] = {}

    def reconnect(self) -> None:
        """Use a new connection for the next request."""
        self._connection.close()

    def ask(
        self, method: str, path: str, body: object = None, *, patient: bool = False
    ) -> tuple[float, Any]:
        """Return the milliseconds until the answer was read, and the answer."""
        headers = {**self.headers, "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        start = time.perf_counter()
        self._connection.request(method, path, text, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        took = 1000 * (time.perf_counter() - start)
        if answer.status == 503 and patient:  # the decision is not fully written yet
            return took + self.ask(method, path, body, patient=True)[0], None
        assert answer.status < 300, (path, answer.status, content[:300])
        return took, json.loads(content)

    def decide(self, kind: str, **asked: object) -> tuple[float, dict[str, Any]]:
        """Make a decision; return its milliseconds and the recorded decision."""
        body = {"collection": COLLECTION, "decisions": [{"kind": kind, **asked}]}
        took, answer = self.ask("POST", "/api/v1/decisions/", body)
        decision: dict[str, Any] = answer["results"][0]["decision"]
        return took, decision


def measure(options: argparse.Namespace) -> None:
    """Fill the product and print its table."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "faceadmin.settings"
    import django

    django.setup()
    from django.conf import settings

    from benchmarks.stored_collection import StoredCollection
    from web.auth import create_key
    from web.roles import Role

    client = Client(settings.FACEADMIN_PORT)
    ready(client)
    client.headers["Authorization"] = f"Token {create_key('benchmark', Role.ADMIN)[1]}"
    stored = StoredCollection(COLLECTION, faces=options.measure, dimension=options.dimension)
    stored.write()
    client.reconnect()  # the server has closed the idle connection
    kinds = Verdicts(client, stored)
    idle = {name: kinds.times(name, options.verdicts) for name in kinds.names}
    busy: dict[str, list[float]] = {}
    if options.folder is not None:
        for name in kinds.names:
            keep_working(client)
            busy[name] = kinds.times(name, options.verdicts)
    print(f"\n{options.measure} faces; milliseconds until the answer")
    print(f"{'':28}{'idle p50':>10}{'p95':>8}{'run p50':>10}{'p95':>8}")
    for name in kinds.names:
        print(f"{name:28}{both(idle[name])}{both(busy.get(name))}", flush=True)
    for name, answer, whole, faces in kinds.large():
        print(f"{name} {faces} faces: answered in {answer:.0f} ms, seen whole after {whole:.0f} ms")


class Verdicts:
    """Decisions of each kind, each about faces without earlier decisions."""

    def __init__(self, client: Client, stored: Any) -> None:
        self._client = client
        self._large, self._small = stored.sizes[0], [one for one, _ in stored.sizes[1:-1]]
        self._faces = iter(stored.ids[: stored.sizes[0][1]])
        self._labels = iter(self._small)
        self._made: list[str] = []
        self._kinds: dict[str, Callable[[], float]] = {
            "confirm": lambda: self._one("confirm", cluster="cluster_0"),
            "reject": lambda: self._one("reject", cluster="cluster_0"),
            "move": lambda: self._one("move", to=self._small[-1]),
            "not a face": lambda: self._one("not_a_face"),
            "ignore": lambda: self._one("ignore"),
            "merge of two tens": self._merge,
            "undo": self._undo,
            "the cluster, read after one": self._read,
        }

    @property
    def names(self) -> list[str]:
        """The kinds in their order."""
        return list(self._kinds)

    def times(self, name: str, count: int) -> list[float]:
        """Return the milliseconds of ``count`` decisions, fewer if the clusters run out."""
        found: list[float] = []
        for _ in range(count):
            try:
                found.append(self._kinds[name]())
            except StopIteration:
                break
        return found

    def large(self) -> Iterator[tuple[str, float, float, int]]:
        """Merge the largest cluster into a small one, and undo the merge."""
        took, made = self._client.decide("merge", cluster=self._small[-1], other="cluster_0")
        yield "merge of", took, took + self._seen(self._small[-1]), made["moved"]
        took, undone = self._client.ask("POST", f"/api/v1/decisions/{made['id']}/undo/", {})
        yield "its undo,", took, took + self._seen("cluster_0"), undone["moved"]

    def _seen(self, label: str) -> float:
        path = f"/cluster-details-db/{COLLECTION}/{label}?limit=100"
        return self._client.ask("GET", path, patient=True)[0]

    def _one(self, kind: str, **asked: object) -> float:
        took, decision = self._client.decide(kind, faces=[next(self._faces)], **asked)
        self._made.append(decision["id"])
        return took

    def _merge(self) -> float:
        one, other = next(self._labels), next(self._labels)
        took, decision = self._client.decide("merge", cluster=one, other=other)
        self._made.append(decision["id"])
        return took

    def _undo(self) -> float:
        if not self._made:
            raise StopIteration
        return self._client.ask("POST", f"/api/v1/decisions/{self._made.pop()}/undo/", {})[0]

    def _read(self) -> float:
        self._one("confirm", cluster="cluster_0")
        return self._seen("cluster_0")


def ready(client: Client) -> None:
    """Wait until the product reports that it is ready."""
    while True:
        try:
            client.ask("GET", "/health/ready")
        except (OSError, AssertionError, http.client.HTTPException):
            client.reconnect()
            time.sleep(0.2)
        else:
            return


def keep_working(client: Client) -> None:
    """Ensure that a run over the photos is active; start a new one if the last has finished."""
    try:
        state = client.ask("GET", f"/cluster-status-db/{WORKED_ON}")[1]["state"]
    except AssertionError:  # no run yet
        state = "finished"
    if state == "finished":
        client.ask("POST", f"/cluster-bucket-with-db/{WORKED_ON}?full=true")
    while client.ask("GET", f"/cluster-status-db/{WORKED_ON}")[1]["state"] == "queued":
        time.sleep(0.05)


def both(times: list[float] | None) -> str:
    """Return median and 95th percentile as two columns."""
    if not times:
        return f"{'-':>10}{'-':>8}"
    ordered = sorted(times)
    return f"{statistics.median(ordered):10.1f}{ordered[int(0.95 * (len(ordered) - 1))]:8.1f}"


if __name__ == "__main__":
    main()

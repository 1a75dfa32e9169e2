"""How long reading takes over REST, and how little that depends on the size of a collection.

`python benchmarks/api.py [--sizes 1000 10000 50000] [--requests 100] [--dimension 512]`

For each size the embedded stores and the web server (gunicorn, as the product starts it) run on a
folder of their own, filled with documents and random unit vectors; there are no photos. All sizes
are up at once and asked in turn, so that whatever else this machine does slows all of them alike.
A third of the faces is one person, a twentieth is noise, the rest are persons of ten faces. Pages
are as long at every size: a list that is shorter than its page in a small collection would seem to
grow. What the contract itself lets grow is the answer of `status`, which names every cluster.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# A route a line; what stands in braces comes from `fill`, of a list one after the other.
ROUTES = {
    "status": "/cluster-status-db/{path}",
    "details, first page": "/cluster-details-db/{path}/cluster_0?limit=100",
    "details, later page": "/cluster-details-db/{path}/cluster_0?limit=100&cursor={later}",
    "details of noise": "/cluster-details-db/{path}/noise?limit=50",
    "collections": "/api/v1/collections/",
    "collection": "/api/v1/collections/{path}/",
    "runs": "/api/v1/runs/?collection={path}",
    "run": "/api/v1/runs/{run}/",
    "skipped": "/api/v1/runs/{run}/skipped/?limit=15",
    "face": "/api/v1/faces/{face}/",
    "crop": "/api/v1/faces/{face}/crop/",
    "export csv, first byte": "/api/v1/export/clusters/?run={run}",
    "export json, first byte": "/api/v1/export/clusters/?run={run}&format=json",
}
Times = dict[str, dict[int, list[float]]]
FIRST_BYTE = "first byte"
WARM_UP = 10
PORT = 9340
COLLECTION = "benchmark/faces"
SAMPLES = 40  # values of a kind that the requests take in turn


def main() -> None:
    """Start a product for each size, ask them in turn, print the table."""
    options = arguments()
    if options.fill:
        fill_and_serve(options)
        return
    with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
        products = [
            Product(size, Path(folder) / str(size), port=PORT + number, options=options)
            for number, size in enumerate(options.sizes)
        ]
        try:
            for product in products:
                product.wait()
            report(options.sizes, measure(products, requests=options.requests, only=options.only))
        finally:
            for product in products:
                product.stop()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--requests", type=int, default=100, help="of each route and size")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--only", default="", help="routes whose name begins so")
    parser.add_argument("--fill", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


class Product:
    """Stores and web server over one filled collection."""

    def __init__(self, size: int, folder: Path, *, port: int, options: argparse.Namespace) -> None:
        self.size, self.port = size, port
        folder.mkdir()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "faceadmin.settings",
            "FACEADMIN_DATA": str(folder),
            "FACEADMIN_PORT": str(port),
            "REQUESTS_PER_MINUTE": "1000000",
        }
        command = [__file__, "--fill", str(size), "--dimension", str(options.dimension)]
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
        """Wait until all is stored and the server answers."""
        self._values = json.loads(self._process.stdout.readline())

    def ask(self, route: str, turn: int) -> float:
        """Return the milliseconds until a route has answered, or its first byte is there."""
        values = {name: some[turn % len(some)] for name, some in self._values.items()}
        headers = {"Authorization": f"Token {values['key']}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.connect()  # not counted; one kept open is closed when others take their time
        started = time.perf_counter()
        connection.request("GET", ROUTES[route].format(**values), headers=headers)
        answer = connection.getresponse()
        body = answer.read(1 if FIRST_BYTE in route else None)
        took = 1000 * (time.perf_counter() - started)
        connection.close()
        assert answer.status == 200, (route, answer.status, body)
        return took

    def stop(self) -> None:
        """End everything."""
        self._process.stdin.close()
        self._process.wait()


def measure(
    products: list[Product], *, requests: int, only: str
) -> dict[str, dict[int, list[float]]]:
    """Return milliseconds by route and size; the sizes take turns, in an order that changes."""
    times: dict[str, dict[int, list[float]]] = {}
    for route in (name for name in ROUTES if name.startswith(only)):
        times[route] = {product.size: [] for product in products}
        for turn in range(WARM_UP + requests):
            for product in random.sample(products, len(products)):
                took = product.ask(route, turn)
                if turn >= WARM_UP:
                    times[route][product.size].append(took)
    return times


def report(sizes: list[int], times: Times) -> None:
    """Print p50 and p95 in milliseconds, and how p95 grows from the smallest to the largest."""
    heads = "".join(f"{f'{size:,} faces':>18}" for size in sizes)
    print(f"{'p50 / p95 in ms':26}{heads}{'p95 grows':>12}")
    for route, by_size in times.items():
        cells = "".join(f"{f'{p50(t):.1f} / {p95(t):.1f}':>18}" for t in by_size.values())
        growth = p95(by_size[sizes[-1]]) / p95(by_size[sizes[0]])
        print(f"{route:26}{cells}{growth:>11.2f}x")


def p50(times: list[float]) -> float:
    """Return the median."""
    return statistics.median(times)


def p95(times: list[float]) -> float:
    """Return what 95 of 100 requests take at most."""
    return statistics.quantiles(times, n=20)[-1]


def fill_and_serve(options: argparse.Namespace) -> None:
    """Fill the stores, serve them, and say so; end when the parent closes our input."""
    import django

    django.setup()
    from faceadmin.processes import WEB, services_here

    running, quiet = [], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        for service in services_here(web=False):
            if service.name == "workers":
                continue
            running.append(subprocess.Popen(service.command(), cwd=ROOT, **quiet))
            while not service.is_ready(running[-1].pid):
                time.sleep(0.05)
        values = {"key": [accounts()], **fill(options.fill, options.dimension)}
        running.append(subprocess.Popen([sys.executable, *WEB[1:]], cwd=ROOT, stdout=sys.stderr))
        web_wait()
        print(json.dumps(values), flush=True)
        sys.stdin.read()
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def accounts() -> str:
    """Make the tables and an admin's key."""
    from django.core.management import call_command

    from faceadmin.prepare import folders_make
    from web.auth import key_create
    from web.roles import Role

    folders_make()
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    return key_create("benchmark", Role.ADMIN)[1]


def web_wait() -> None:
    """Wait until the web server answers."""
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
    """Store a collection of so many faces; return what the routes are made of."""
    from benchmarks.stored_collection import StoredCollection

    stored = StoredCollection(COLLECTION, faces=faces, dimension=dimension)
    stored.write()
    return {
        "path": [COLLECTION],
        "run": [stored.run_id],
        "face": stored.sample_faces(SAMPLES),
        "later": stored.later_cursors(SAMPLES),
    }


if __name__ == "__main__":
    main()

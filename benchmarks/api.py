"""Latency of read requests over REST, and its growth with the size of a collection.

`python benchmarks/api.py [--sizes 1000 10000 50000] [--requests 100] [--dimension 512]`

For each size the embedded stores and the web server (gunicorn, as the product starts it) run on a
temporary folder with documents and random unit vectors; there are no photos. All sizes run at once
and are queried in turn, so that other load on the machine affects all of them. A third of the faces
is one person, a twentieth is noise, the rest are people with ten faces each. Pages have the same
length at every size: a list shorter than its page in a small collection would appear to grow. Only
the answer of `status` grows by contract, because it lists every cluster.
"""

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import Product

# One route per line; names in braces are replaced by values from `fill`, in turn.
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


def main() -> None:
    """Start a product for each size, query them in turn, print the table."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
        products = [
            Product(size, Path(folder) / str(size), port=PORT + number, dimension=options.dimension)
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
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--requests", type=int, default=100, help="of each route and size")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--only", default="", help="prefix of the routes' names")
    return parser.parse_args()


def measure(
    products: list[Product], *, requests: int, only: str
) -> dict[str, dict[int, list[float]]]:
    """Return milliseconds by route and size; the sizes take turns in random order."""
    times: dict[str, dict[int, list[float]]] = {}
    for route in (name for name in ROUTES if name.startswith(only)):
        times[route] = {product.size: [] for product in products}
        for turn in range(WARM_UP + requests):
            for product in random.sample(products, len(products)):
                took = product.ask(ROUTES[route], turn, first_byte=FIRST_BYTE in route).took
                if turn >= WARM_UP:
                    times[route][product.size].append(took)
    return times


def report(sizes: list[int], times: Times) -> None:
    """Print p50 and p95 in milliseconds, and the growth of p95 from the smallest to the largest."""
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
    """Return the 95th percentile."""
    return statistics.quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()

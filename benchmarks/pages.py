"""Server time and size of each page of the review app.

`python benchmarks/pages.py [--faces 10000] [--requests 40] [--dimension 512]`

The embedded stores and the web server (gunicorn, as the product starts it) run on a temporary
folder with the documents and random unit vectors of a finished run and 200 known people; there are
no photos. A third of the faces is one person, the others are ten each. Times are from the request
to the last byte, one request after the other; sizes exclude pictures, scripts and the stylesheet,
which the browser caches.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.served import Answer, Product

# One page per line; names in braces are replaced by values of the collection, in turn.
PAGES = {
    "home": "/",
    "collection": "/collections/{path}/",
    "collection, filtered": "/collections/{path}/?show=unassigned",
    "collection, by name": "/collections/{path}/?q=person",
    "cluster of a third": "/collections/{path}/-/cluster_0/",
    "its newest first": "/collections/{path}/-/cluster_0/?order=newest",
    "cluster of ten": "/collections/{path}/-/cluster_7/",
    "noise": "/collections/{path}/-/noise/",
    "face": "/faces/{face}/",
    "same person?": "/collections/{path}/-/same/",
    "odd one out": "/collections/{path}/-/odd/",
    "who is this?": "/collections/{path}/-/who/",
    "triage": "/collections/{path}/-/triage/",
    "new": "/collections/{path}/-/new/",
    "what waits": "/collections/{path}/-/queues/",
    "skipped": "/collections/{path}/-/skipped/",
    "people": "/profiles/",
    "person": "/profiles/person-0007/",
    "enrol": "/profiles/enrol/",
    "assignments": "/assignments/",
    "search": "/search/",
    "activity": "/activity/",
    "thresholds": "/thresholds/",
    "keys": "/keys/",
    "accounts": "/accounts/",
    "models": "/models/",
}
WARM_UP = 5
PORT = 9370
ALLOWED_MS, ALLOWED_BYTES = 100, 200_000
OVER = "  over"


def main() -> None:
    """Fill a product, request each page, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=40, help="of each page")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--only", default="", help="prefix of the pages' names")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faceadmin-benchmark-") as folder:
        root = Path(folder) / "product"
        product = Product(options.faces, root, port=PORT, dimension=options.dimension)
        try:
            product.wait()
            over = report(options, product)
        finally:
            product.stop()
    sys.exit(f"{over} pages take or weigh too much." if over else 0)


def report(options: argparse.Namespace, product: Product) -> int:
    """Print median and 95th percentile in ms and size in kB; return the number of slow pages."""
    over = 0
    print(f"{options.faces:,} faces{'p50 ms':>22}{'p95 ms':>10}{'kB':>8}")
    for name in (one for one in PAGES if one.startswith(options.only)):
        asked = [product.ask(PAGES[name], turn) for turn in range(WARM_UP + options.requests)]
        said = line(name, asked[WARM_UP:])
        over += said.endswith(OVER)
        print(said)
    return over


def line(name: str, answers: list[Answer]) -> str:
    """Return the table row of a page."""
    took = [one.took for one in answers]
    middle, late = statistics.median(took), statistics.quantiles(took, n=20)[-1]
    size = max(one.size for one in answers)
    is_over = late > ALLOWED_MS or size > ALLOWED_BYTES
    return f"{name:24}{middle:10.1f}{late:10.1f}{size / 1000:8.1f}{OVER if is_over else ''}"


if __name__ == "__main__":
    main()

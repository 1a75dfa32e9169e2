"""Time to match clusters with profiles: in blocks, cluster by cluster, all at once.

`python benchmarks/matching.py [--clusters 10000] [--profiles 5000] [--faces 50000] [--repeat 5]`

The clusters are sums of generated faces, half of them of people with a profile. All methods have to
find the same people. A vote compares every face, so it needs as many products as there are faces.
"""

import argparse
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assignments.matching import Rules, Votes, match_centroids, unit

THRESHOLD, MARGIN = 0.6, 0.02
SPREAD = 0.6  # length of a photo's offset from its person's unit vector
VOTES_AT_ONCE = 1000  # faces, as many as the vector store returns at a time

Vectors = NDArray[np.float32]
Way = Callable[[], NDArray[np.int64]]


def main() -> None:
    """Print a table for each dimension."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--clusters", type=int, default=10_000)
    parser.add_argument("--profiles", type=int, default=5_000)
    parser.add_argument("--faces", type=int, default=50_000, help="that vote")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    for width in (128, 512):
        compare(width, options)


def compare(width: int, options: argparse.Namespace) -> None:
    """Time all methods in turn and print their medians and the ratio to the product's own."""
    maker = np.random.default_rng(0)
    people = unit(maker.normal(size=(options.profiles, width)).astype(np.float32))
    known = maker.integers(0, 2 * options.profiles, options.clusters)
    sums = photos(maker, people, known)
    rules, ones = Rules(THRESHOLD, MARGIN, {}), np.ones(options.clusters, np.int64)
    of = maker.integers(0, options.clusters, options.faces)
    faces = photos(maker, people, known[of])

    def in_blocks() -> NDArray[np.int64]:
        found = match_centroids(sums, ones, people, rules=rules)
        return np.array([-1 if one.reason else one.profile for one in found])

    def by_vote() -> NDArray[np.int64]:
        votes = Votes(options.clusters, people, rules=rules)
        for first in range(0, len(faces), VOTES_AT_ONCE):
            some = slice(first, first + VOTES_AT_ONCE)
            votes.add(faces[some], of[some])
        return np.array([-1 if one.reason else one.profile for one in votes.matches()])

    ways: dict[str, Way] = {
        "ours, in blocks": in_blocks,
        "a product for each cluster": lambda: one_by_one(unit(sums), people),
        "one product of all": lambda: at_once(unit(sums), people),
        f"ours, a vote of {options.faces} faces": by_vote,
    }
    print(f"\n{options.clusters} clusters, {options.profiles} profiles, {width} wide")
    print(f"{'':34}{'median':>9}{'ratio':>8}{'peak memory':>14}{'right':>8}{'wrong':>7}")
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(options.repeat):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    ours = statistics.median(times["ours, in blocks"])
    for name, way in ways.items():
        tracemalloc.start()
        answer = way()
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        wanted = np.where(known < options.profiles, known, -1)
        right, wrong = np.mean(answer == wanted), np.mean((answer >= 0) & (answer != wanted))
        median = statistics.median(times[name])
        print(
            f"{name:34}{median:7.2f} s{median / ours:8.2f}{peak:11.0f} MB{right:8.3f}{wrong:7.3f}"
        )


def photos(maker: np.random.Generator, people: Vectors, known: NDArray[np.int64]) -> Vectors:
    """Return one photo per number: of that person, or of an unknown one beyond ``people``."""
    width = people.shape[1]
    strangers = unit(maker.normal(size=(len(known), width)).astype(np.float32))
    who = np.where(
        (known < len(people))[:, None], people[np.minimum(known, len(people) - 1)], strangers
    )
    noise = unit(maker.normal(size=(len(known), width)).astype(np.float32))
    return unit((who + SPREAD * noise).astype(np.float32))


def one_by_one(centroids: Vectors, people: Vectors) -> NDArray[np.int64]:
    """Match each centroid with its own product."""
    found = []
    for centroid in centroids:
        similarity = people @ centroid
        second, best = np.argsort(similarity)[-2:]
        clear = similarity[best] >= max(THRESHOLD, similarity[second] + MARGIN)
        found.append(int(best) if clear else -1)
    return np.array(found)


def at_once(centroids: Vectors, people: Vectors) -> NDArray[np.int64]:
    """Match all centroids with one product."""
    similarity = centroids @ people.T
    second, best = np.argpartition(similarity, (-2, -1), axis=1)[:, -2:].T
    rows = np.arange(len(centroids))
    clear = similarity[rows, best] >= np.maximum(THRESHOLD, similarity[rows, second] + MARGIN)
    return np.where(clear, best, -1)


if __name__ == "__main__":
    main()

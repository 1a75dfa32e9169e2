"""Time DBSCAN and the whole grouping against scikit-learn's DBSCAN, in one process run.

`python benchmarks/grouping.py [--sizes 5000 10000 20000] [--dimension 512] [--large 100000]`
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clustering.grouping import dbscan_labels, group_faces

EPS = 0.3  # cosine distance; the people drawn below are about 0.25 wide
MIN_SAMPLES = 2
JOBS = 2
MEGABYTE = 1 << 20

Answer = TypeVar("Answer")


def people_drawn(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Draw unit rows of people: sizes fall off as in real collections, half the people once."""
    random = np.random.default_rng(seed)
    sizes = np.minimum(random.zipf(1.8, size=count), 200)
    person = np.repeat(np.arange(count), sizes)[:count]
    centres = _unit(random.standard_normal((count, dimension), dtype=np.float32))
    noise = random.standard_normal((count, dimension), dtype=np.float32) / np.sqrt(dimension)
    rows = _unit(centres[person] + 0.55 * noise.astype(np.float32))
    return rows[random.permutation(count)]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class _PeakMemory:
    """How far the resident memory of this process rises while it is open, sampled."""

    def __enter__(self) -> "_PeakMemory":
        self._start, self._peak, self._closed = _resident(), _resident(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    @property
    def megabytes(self) -> float:
        return (self._peak - self._start) / MEGABYTE

    def _watch(self) -> None:
        while not self._closed.wait(0.005):
            self._peak = max(self._peak, _resident())


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def measured(work: Callable[[], Answer], *, repeats: int) -> tuple[Answer, float, float]:
    """Return the answer, the median seconds and the most memory one of the repeats took."""
    seconds, megabytes = [], 0.0
    for _ in range(repeats):
        with _PeakMemory() as memory:
            start = time.perf_counter()
            answer = work()
            seconds.append(time.perf_counter() - start)
        megabytes = max(megabytes, memory.megabytes)
    return answer, statistics.median(seconds), megabytes


def compared(count: int, dimension: int, *, seed: int) -> str:
    """Measure one size and return its line of the table."""
    rows = people_drawn(count, dimension, seed=seed)
    repeats = 3 if count <= 10_000 else 1
    reference = DBSCAN(eps=np.sqrt(2 * EPS), min_samples=MIN_SAMPLES, n_jobs=JOBS)
    theirs, their_time, their_memory = measured(
        lambda: reference.fit(rows).labels_, repeats=repeats
    )
    ours, our_time, our_memory = measured(
        lambda: dbscan_labels(rows, eps=EPS, min_samples=MIN_SAMPLES), repeats=3
    )
    _, whole_time, whole_memory = measured(
        lambda: group_faces(rows, eps=EPS, min_samples=MIN_SAMPLES), repeats=3
    )
    floor = _product_seconds(rows)
    return (
        f"{count:>7} {their_time:>8.2f} {our_time:>8.2f} {their_time / our_time:>6.1f}x"
        f" {floor:>8.2f} {adjusted_rand_score(theirs, ours):>6.4f}"
        f" {'yes' if np.array_equal(theirs, ours) else 'no':>5}"
        f" {their_memory:>8.0f} {our_memory:>8.0f} {whole_time:>8.2f} {whole_memory:>8.0f}"
    )


def _product_seconds(rows: NDArray[np.float32]) -> float:
    """Time half of the plain product, the floor of any exact answer."""
    half = rows[: len(rows) // 2]
    start = time.perf_counter()
    for top in range(0, len(rows), 1024):
        np.matmul(half, rows[top : top + 1024].T)
    return time.perf_counter() - start


def large(count: int, dimension: int, *, seed: int) -> str:
    """Group one large collection, without a reference."""
    rows = people_drawn(count, dimension, seed=seed)
    grouping, seconds, megabytes = measured(
        lambda: group_faces(rows, eps=EPS, min_samples=MIN_SAMPLES), repeats=1
    )
    groups = len(grouping.covers)
    return (
        f"group_faces on {count} x {dimension}: {seconds:.1f} s, {megabytes:.0f} MB beyond the"
        f" {rows.nbytes / MEGABYTE:.0f} MB of vectors, {groups} groups"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[5_000, 10_000, 20_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--large", type=int, default=0, help="also group this many, alone")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        f"drawn unit vectors, {options.dimension} wide, eps {EPS} (cosine), min_samples"
        f" {MIN_SAMPLES}; seconds are medians, MB is the rise of resident memory;\n"
        f"sklearn: DBSCAN(n_jobs={JOBS}); ours: dbscan_labels; product: half of the float32"
        " matrix product alone; group: group_faces, refinement included"
    )
    print(
        f"{'n':>7} {'sklearn':>8} {'ours':>8} {'ratio':>7} {'product':>8} {'ARI':>6} {'equal':>5}"
        f" {'sklrn MB':>8} {'ours MB':>8} {'group s':>8} {'group MB':>8}"
    )
    for count in options.sizes:
        print(compared(count, options.dimension, seed=options.seed), flush=True)
    if options.large:
        print(large(options.large, options.dimension, seed=options.seed))


if __name__ == "__main__":
    main()

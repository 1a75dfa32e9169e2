"""Time DBSCAN and the whole grouping against scikit-learn's DBSCAN in one process.

`python benchmarks/grouping.py [--sizes 5000 10000 20000] [--dimension 512] [--large 100000]
[--decided 20000]`
"""

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from clustering.grouping import Constraints, dbscan_labels, group_faces

EPS = 0.3  # cosine distance; the people generated below are about 0.25 wide
MIN_SAMPLES = 2
JOBS = 2
ROUNDS = 3
MEGABYTE = 1 << 20


def people_drawn(count: int, dimension: int, *, seed: int) -> NDArray[np.float32]:
    """Generate unit rows of people: 70 % of them once, 2.2 faces on average, the largest 110.

    These are the sizes in Labeled Faces in the Wild. The directions are uniform; those of real
    embeddings are not, which would make the task easier.
    """
    random = np.random.default_rng(seed)
    sizes = np.minimum(random.zipf(2.3, size=count), 110)
    person = np.repeat(np.arange(count), sizes)[:count]
    centres = _unit(random.standard_normal((count, dimension), dtype=np.float32))
    noise = random.standard_normal((count, dimension), dtype=np.float32) / np.sqrt(dimension)
    rows = _unit(centres[person] + 0.55 * noise.astype(np.float32))
    return rows[random.permutation(count)]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class _PeakMemory:
    """Increase of this process's resident memory inside the context, sampled."""

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


class Measured(NamedTuple):
    """Time, memory and result of one call."""

    seconds: float
    megabytes: float
    answer: Any


def measured(work: Callable[[], Any]) -> Measured:
    """Call once and measure time and memory."""
    with _PeakMemory() as memory:
        start = time.perf_counter()
        answer = work()
        seconds = time.perf_counter() - start
    return Measured(seconds, memory.megabytes, answer)


def compared(count: int, dimension: int, *, seed: int) -> str:
    """Measure one size and return its row of the table."""
    rows = people_drawn(count, dimension, seed=seed)
    reference = DBSCAN(eps=np.sqrt(2 * EPS), min_samples=MIN_SAMPLES, n_jobs=JOBS)
    rounds = [_round(rows, reference) for _ in range(ROUNDS)]
    theirs, ours = reference.labels_, dbscan_labels(rows, eps=EPS, min_samples=MIN_SAMPLES)
    seconds = np.median([[part.seconds for part in parts] for parts in rounds], axis=0)
    megabytes = np.max([[part.megabytes for part in parts] for parts in rounds], axis=0)
    ratio = statistics.median(parts[0].seconds / parts[1].seconds for parts in rounds)
    return (
        f"{count:>7} {seconds[0]:>8.2f} {seconds[1]:>8.2f} {ratio:>6.1f}x {seconds[3]:>8.2f}"
        f" {adjusted_rand_score(theirs, ours):>6.4f}"
        f" {'yes' if np.array_equal(theirs, ours) else 'no':>5}"
        f" {megabytes[0]:>8.0f} {megabytes[1]:>8.0f} {seconds[2]:>8.2f} {megabytes[2]:>8.0f}"
    )


def _round(rows: NDArray[np.float32], reference: DBSCAN) -> list[Measured]:
    """Measure each method once, in turn, so that other load on the machine affects all of them."""
    return [
        measured(lambda: reference.fit(rows)),
        measured(lambda: dbscan_labels(rows, eps=EPS, min_samples=MIN_SAMPLES)),
        measured(lambda: group_faces(rows, eps=EPS, min_samples=MIN_SAMPLES)),
        measured(lambda: _product(rows)),
    ]


def _product(rows: NDArray[np.float32]) -> None:
    """Compute half of the plain product: the lower bound of any method that compares every pair."""
    half = rows[: len(rows) // 2]
    for top in range(0, len(rows), 1024):
        np.matmul(half, rows[top : top + 1024].T)


def large(count: int, dimension: int, *, decided: int, seed: int) -> Iterator[str]:
    """Group one large collection without a reference, and again with decisions."""
    rows = people_drawn(count, dimension, seed=seed)
    grouped = measured(lambda: group_faces(rows, eps=EPS, min_samples=MIN_SAMPLES))
    size = f"{count} x {dimension}"
    yield f"group_faces on {size}: {_told(grouped)} beyond {rows.nbytes / MEGABYTE:.0f} of vectors"
    if decided:
        constraints = _decisions_drawn(grouped.answer.labels, decided, seed=seed)
        checked = measured(lambda: constraints.check(count))
        grouped = measured(
            lambda: group_faces(rows, eps=EPS, min_samples=MIN_SAMPLES, constraints=constraints)
        )
        yield f"under {decided} decisions, 3 faces an image: {_told(grouped)}"
        yield f"constraints_check: {checked.seconds:.2f} s, {checked.megabytes:.0f} MB"


def _told(grouped: Measured) -> str:
    groups = len(grouped.answer.covers)
    return f"{grouped.seconds:.1f} s, {groups} groups, {grouped.megabytes:.0f} MB"


def _decisions_drawn(labels: NDArray[np.int64], decided: int, *, seed: int) -> Constraints:
    """Generate must-link and cannot-link pairs, one anchored person, and images."""
    random = np.random.default_rng(seed)
    order = np.flatnonzero(labels >= 0)
    order = order[np.argsort(labels[order], kind="stable")]
    near = np.stack([order[:-1], order[1:]], axis=1)
    near = near[labels[near[:, 0]] == labels[near[:, 1]]]
    far = random.integers(0, len(labels), (decided, 2))
    far = far[(labels[far[:, 0]] != labels[far[:, 1]])]
    return Constraints(
        must_link=random.permutation(near)[: decided // 2],
        cannot_link=far[: decided // 2],
        anchors=np.where(labels == 0, 0, -1),
        images=random.permutation(len(labels)) // 3,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[5_000, 10_000, 20_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--large", type=int, default=0, help="also group this many, alone")
    parser.add_argument("--decided", type=int, default=0, help="and under this many decisions")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        f"drawn unit vectors, {options.dimension} wide, eps {EPS} (cosine), min_samples"
        f" {MIN_SAMPLES}; seconds and ratio are medians of {ROUNDS} rounds, MB is the rise of"
        " resident memory;\n"
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
        lines = large(options.large, options.dimension, decided=options.decided, seed=options.seed)
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()

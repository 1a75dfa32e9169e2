"""Cost of neighbour pairs from the vector store's index: recall, time and the resulting groups.

`python benchmarks/neighbours.py [--faces 10000] [--dimension 512] [--vectors PATH.npz --eps 0.085]`
queries a temporary embedded store, or the server in QDRANT_URL. The embedded store searches
exactly; `--graph` uses the same engine with Qdrant's graph (HNSW at its defaults) in this process.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.grouping import EPS, people_drawn
from benchmarks.labels import pairwise
from clustering.grouping import group_faces
from clustering.grouping.neighbour_pairs import find_neighbour_pairs
from clustering.grouping.tiles import Pairs
from clustering.pipeline.neighbour_pairs import IndexedPairs
from faceadmin.runtime.embedded_stores import is_qdrant_ready, qdrant_command
from storage.vectors import Hit, VectorStore
from storage.vectors.embedded.client import embedded_vectors

MODEL = "benchmark"
MIN_SAMPLES = 2
PATIENCE_S = 30
WRITE_SLICE = 1000


def main() -> None:
    """Print recall and time of the index."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument(
        "--vectors", type=Path, help="an .npz file with `vectors`, instead of random ones"
    )
    parser.add_argument("--eps", type=float, default=EPS)
    parser.add_argument("--graph", action="store_true", help="search a graph instead of all")
    options = parser.parse_args()
    if options.vectors:
        with np.load(options.vectors) as arrays:
            vectors = arrays["vectors"].astype(np.float32)[: options.faces]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    else:
        vectors = people_drawn(options.faces, options.dimension, seed=0)
    with graph_opened(vectors.shape[1]) if options.graph else store_opened() as (store, name):
        print(f"{len(vectors)} faces, {vectors.shape[1]} wide, eps {options.eps}, {name}")
        compare(store, vectors, eps=options.eps)


@contextmanager
def store_opened() -> Iterator[tuple[VectorStore, str]]:
    """Yield the server in QDRANT_URL, or a temporary embedded store, with its name."""
    if url := os.environ.get("QDRANT_URL"):
        from storage.vectors.qdrant import qdrant_vectors

        yield qdrant_vectors(url, os.environ.get("QDRANT_API_KEY", "")), url
        return
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "qdrant.sock"
        command = qdrant_command(Path(folder) / "vectors", socket)
        owner = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1])
        try:
            give_up = time.monotonic() + PATIENCE_S
            while not is_qdrant_ready(socket) and time.monotonic() < give_up:
                time.sleep(0.05)
            yield embedded_vectors(socket), "embedded store"
        finally:
            owner.terminate()
            owner.wait()


@contextmanager
def graph_opened(dimension: int) -> Iterator[tuple["Graph", str]]:
    """Yield a temporary graph, with its name."""
    with tempfile.TemporaryDirectory() as folder:
        yield Graph(Path(folder), dimension), "the engine's graph"


class Graph:
    """The part of a vector store that `compare` uses, with all vectors in an HNSW graph."""

    def __init__(self, folder: Path, dimension: int) -> None:
        config = edge.EdgeConfig(
            vectors=edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine),
            hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=1),
            optimizers=edge.EdgeOptimizersConfig(indexing_threshold=1, default_segment_number=1),
        )
        self._points = edge.EdgeShard.create(str(folder), config)

    def upsert(self, _model: str, ids: list[str], vectors: Any, _payloads: Any) -> None:
        """Write vectors."""
        points = [edge.Point(one, row, {}) for one, row in zip(ids, vectors, strict=True)]
        self._points.update(edge.UpdateOperation.upsert_points(points))

    def index(self) -> None:
        """Build the graph."""
        self._points.optimize()
        info = self._points.info()
        print(f"{info.indexed_vectors_count} of {info.points_count} vectors in the graph")

    def search(self, _model: str, vector: Any, *, limit: int, where: Any) -> list[Hit]:
        """Return the approximate nearest faces of a vector."""
        request = edge.QueryRequest(limit=limit, query=edge.Query.Nearest(vector))
        return [Hit(str(hit.id), hit.score, {}) for hit in self._points.query(request)]

    def delete(self, _model: str, ids: list[str]) -> None:
        """Do nothing: the temporary folder is deleted with the vectors."""


def compare(store: VectorStore | Graph, vectors: NDArray[np.float32], *, eps: float) -> None:
    """Print time and recall of the neighbour pairs, and the agreement of the groups."""
    run = uuid.uuid4().hex
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, f"{run} {row}")) for row in range(len(vectors))]
    start = time.perf_counter()
    for first in range(0, len(ids), WRITE_SLICE):
        some = slice(first, first + WRITE_SLICE)
        payloads = [{"collection": run}] * len(ids[some])
        store.upsert(MODEL, ids[some], vectors[some], payloads)
    if isinstance(store, Graph):
        store.index()
    print(f"written in {time.perf_counter() - start:.1f} s")
    index = IndexedPairs(store, MODEL, ids, vectors, {"collection": run})

    start = time.perf_counter()
    exact = find_neighbour_pairs(vectors, radius=eps)
    between = time.perf_counter()
    listed = index(vectors, radius=eps)
    end = time.perf_counter()
    print(f"candidates: product {between - start:.1f} s, index {end - between:.1f} s")
    found = np.isin(_codes(exact, len(ids)), _codes(listed, len(ids)))
    print(
        f"{len(exact.first)} pairs by the product, {len(listed.first)} by the index,"
        f" recall {found.mean():.5f}"
    )
    options = {"eps": eps, "min_samples": MIN_SAMPLES}
    known = group_faces(vectors, **options).labels
    answer = group_faces(vectors, **options, candidates=index).labels
    known = np.where(known < 0, known.max() + 1 + np.arange(len(known)), known)
    groups = pairwise(known, answer)
    print(
        f"groups of the index against those of the product: pairwise precision"
        f" {groups.precision:.5f}, recall {groups.recall:.5f}"
    )
    store.delete(MODEL, ids)


def _codes(pairs: Pairs, count: int) -> NDArray[np.int64]:
    return pairs.first * count + pairs.second


if __name__ == "__main__":
    main()

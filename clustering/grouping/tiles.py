"""Tiled similarity matrix: every pair of rows once, memory bounded by the size of a tile."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

Answer = TypeVar("Answer")

# Rows of a tile. 1,024 x 1,024 float32 is 4 MB: it stays in the second-level cache of both cores
# between the product and the comparison (2,048 is 3 % slower, measured at 20,000 x 512).
TILE_ROWS = 1024


class Tile(NamedTuple):
    """A tile of the upper triangle: `products[i, j]` belongs to rows `top + i` and `left + j`."""

    top: int
    left: int
    products: NDArray[np.float32]


class Pairs(NamedTuple):
    """Pairs of rows, `first < second`, with their similarity."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def chosen(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Pairs":
        """Return the pairs selected by a mask or by indices, in their order."""
        return Pairs(self.first[which], self.second[which], self.similarity[which])


def map_tiles(
    vectors: NDArray[np.float32],
    question: Callable[[Tile], Answer],
    *,
    block_rows: int = TILE_ROWS,
) -> Iterator[Answer]:
    """Yield `question(tile)` for each tile of the upper triangle, in order, one core per tile.

    Product and comparison of one tile stay on one core: a multi-threaded product would leave all
    cores but one idle during the comparison.
    """
    cores = os.cpu_count() or 1
    under_way: deque[Future[Answer]] = deque()

    def ask(top: int, left: int) -> Answer:
        rows, columns = (vectors[start : start + block_rows] for start in (top, left))
        return question(Tile(top, left, rows @ columns.T))

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as pool:
        for top in range(0, len(vectors), block_rows):
            for left in range(top, len(vectors), block_rows):
                under_way.append(pool.submit(ask, top, left))
                if len(under_way) > 2 * cores:
                    yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def iter_tiles(vectors: NDArray[np.float32], *, block_rows: int = TILE_ROWS) -> Iterator[Tile]:
    """Yield the upper triangle of `vectors @ vectors.T`; a tile is valid until the next one."""
    count = len(vectors)
    room = np.empty(block_rows * block_rows, dtype=np.float32)
    for top in range(0, count, block_rows):
        rows = vectors[top : top + block_rows]
        for left in range(top, count, block_rows):
            columns = vectors[left : left + block_rows]
            products = room[: len(rows) * len(columns)].reshape(len(rows), len(columns))
            np.matmul(rows, columns.T, out=products)
            yield Tile(top, left, products)


def tile_at(vectors: NDArray[np.float32], place: Tile) -> Tile:
    """Return the tile of `vectors @ vectors.T` at the position of another tile."""
    height, width = place.products.shape
    rows = vectors[place.top : place.top + height]
    return Tile(place.top, place.left, rows @ vectors[place.left : place.left + width].T)


def pairs_in_tile(block: Tile, mask: NDArray[np.bool_]) -> Pairs:
    """List the pairs of a tile where the mask is true, each once, without self-pairs."""
    width = block.products.shape[1]
    places = np.flatnonzero(mask)
    first, second = np.divmod(places, width)
    first += block.top
    second += block.left
    pairs = Pairs(first, second, block.products.ravel()[places])
    return pairs.chosen(first < second) if block.top == block.left else pairs


def join_pairs(parts: list[Pairs]) -> Pairs:
    """Concatenate lists of pairs."""
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Pairs(nothing, nothing, np.empty(0, dtype=np.float32))
    return Pairs(
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.second for part in parts]),
        np.concatenate([part.similarity for part in parts]),
    )

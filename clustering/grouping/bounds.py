"""Shorter rows that never look less alike than the whole ones: most pairs are refused by these.

In any orthogonal basis x.y = head + tail, and the tail is at most |tail x| * |tail y| (Cauchy and
Schwarz). So a row of its first coordinates and the length of the rest has products that bound the
true ones from above; the principal axes leave the shortest rest.
"""

import numpy as np
from numpy.typing import NDArray

# Looking at one pair again costs as much as this many columns of its product (0.6 us to 12 ps,
# measured at 20,000 x 512).
_COLUMNS_PER_PAIR = 50_000
_SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8)
_WORTHWHILE = 0.75  # share of the columns; turning the rows is not free
_AXES_SAMPLE = 4096
_PAIRS_SAMPLE = 1024
_FEWEST_ROWS = 4096  # below, turning the rows costs more than it saves
_NARROWEST = 256


def bounding_projection(vectors: NDArray[np.float32], *, floor: float) -> NDArray[np.float32]:
    """Return (n, m) rows whose products bound those of `vectors`, or these where nothing is won.

    Won is where the fewer columns outweigh the pairs of a sample that pass `floor`.
    """
    count, width = vectors.shape
    if count < _FEWEST_ROWS or width < _NARROWEST:
        return vectors
    sample = vectors[:: -(-count // _AXES_SAMPLE)]
    axes = np.linalg.eigh(sample.T @ sample)[1][:, ::-1]
    turned = sample[:: -(-len(sample) // _PAIRS_SAMPLE)] @ axes
    costs = {kept: _cost(_shortened(turned, kept), floor=floor) for kept in _widths(width)}
    best = min(costs, key=costs.__getitem__)
    return _shortened(vectors @ axes, best) if costs[best] < _WORTHWHILE * width else vectors


def _widths(width: int) -> list[int]:
    return [int(width * share) for share in _SHARES]


def _cost(short: NDArray[np.float32], *, floor: float) -> float:
    """Return what a pair costs, in columns of a product: its own, and the second looks."""
    passing = np.count_nonzero(short @ short.T >= floor) - len(short)
    return short.shape[1] + _COLUMNS_PER_PAIR * passing / len(short) ** 2


def _shortened(turned: NDArray[np.float32], kept: int) -> NDArray[np.float32]:
    rest = np.linalg.norm(turned[:, kept:], axis=1, keepdims=True)
    return np.concatenate([turned[:, :kept], rest], axis=1)

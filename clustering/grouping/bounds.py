"""Upper bounds of similarities by projection: shorter rows that exclude most pairs early.

In any orthogonal basis x.y = head + tail, and the tail is at most |tail x| * |tail y| (Cauchy-
Schwarz). So rows of the first coordinates plus the norm of the rest have products that bound the
true products from above; principal axes minimise the rest.
"""

import numpy as np
from numpy.typing import NDArray

# Rechecking one pair costs as much as this many columns of its product (0.6 us to 12 ps, measured
# at 20,000 x 512).
_COLUMNS_PER_PAIR = 50_000
_SHARES = (1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8)
_WORTHWHILE = 0.75  # largest cost, as a share of the columns: the rotation costs time as well
_AXES_SAMPLE = 4096
_PAIRS_SAMPLE = 1024
_FEWEST_ROWS = 4096  # below, rotating the rows costs more than it saves
_NARROWEST = 256


def bounding_projection(vectors: NDArray[np.float32], *, floor: float) -> NDArray[np.float32]:
    """Return (n, m) rows whose products are upper bounds of those of `vectors` (n, d).

    Returns `vectors` itself if that is cheaper: if rechecking the pairs whose bound reaches
    `floor`, estimated from a sample, outweighs the saved columns.
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
    """Return the cost of a pair in columns: those of its product plus its share of rechecks."""
    passing = np.count_nonzero(short @ short.T >= floor) - len(short)
    return short.shape[1] + _COLUMNS_PER_PAIR * passing / len(short) ** 2


def _shortened(turned: NDArray[np.float32], kept: int) -> NDArray[np.float32]:
    rest = np.linalg.norm(turned[:, kept:], axis=1, keepdims=True)
    return np.concatenate([turned[:, :kept], rest], axis=1)

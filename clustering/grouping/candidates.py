"""Which rows may belong together: the nearest rows of each, within a radius, in linear memory."""

import numpy as np
from numpy.typing import NDArray

from clustering.grouping.blocks import BLOCK_ROWS, Pairs, blocks_of, pairs_in, pairs_joined

# A person of thousands of photos must not cost millions of pairs. Groups are compared by all their
# rows afterwards, so that the nearest rows only have to lead there.
NEAREST = 48


def candidate_pairs(
    vectors: NDArray[np.float32],
    *,
    radius: float,
    nearest: int = NEAREST,
    block_rows: int = BLOCK_ROWS,
) -> Pairs:
    """List the pairs within `radius` (cosine distance) among the `nearest` of either row."""
    closest = _Closest(len(vectors), floor=1 - radius, nearest=nearest)
    for block in blocks_of(vectors, block_rows=block_rows):
        height, width = block.products.shape
        rows = closest.floor[block.top : block.top + height]
        columns = closest.floor[block.left : block.left + width]
        mask = block.products >= rows[:, None]
        if closest.is_selective:
            mask |= block.products >= columns
        closest.add(pairs_in(block, mask))
    return closest.pairs()


class _Closest:
    """The nearest pairs of every row so far, and the similarity a new pair must reach."""

    def __init__(self, count: int, *, floor: float, nearest: int) -> None:
        self.floor = np.full(count, floor, dtype=np.float32)
        self.is_selective = False
        self._nearest = nearest
        self._parts: list[Pairs] = []
        self._held = 0
        self._room = max(1 << 20, 2 * count * nearest)

    def add(self, pairs: Pairs) -> None:
        self._parts.append(pairs)
        self._held += len(pairs.first)
        if self._held > self._room:
            self._parts = [self._kept()]
            self._held = len(self._parts[0].first)
            self.is_selective = True

    def pairs(self) -> Pairs:
        kept = self._kept()
        order = np.lexsort((kept.second, kept.first))
        return Pairs(kept.first[order], kept.second[order], kept.similarity[order])

    def _kept(self) -> Pairs:
        pairs = pairs_joined(self._parts)
        keep = np.zeros(len(pairs.first), dtype=np.bool_)
        ends = np.concatenate([pairs.first, pairs.second])
        edge = np.tile(np.arange(len(pairs.first)), 2)
        order = np.lexsort((edge, -pairs.similarity[edge], ends))
        starts = np.searchsorted(ends[order], np.arange(len(self.floor)))
        rank = np.arange(len(order)) - starts[ends[order]]
        keep[edge[order[rank < self._nearest]]] = True
        last = rank == self._nearest - 1
        self.floor[ends[order[last]]] = pairs.similarity[edge[order[last]]]
        return pairs.chosen(keep)

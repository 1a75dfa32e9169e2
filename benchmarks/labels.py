"""Agreement of groups with known people: pairwise and B-cubed, from the contingency table.

Noise is not a group: each noise face counts as a separate person.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Agreement:
    """Precision and recall of one measure."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(people: NDArray[np.int64], found: NDArray[np.int64]) -> Agreement:
    """Count pairs of faces that are correctly grouped; without any pair both measures are 1."""
    cells = _cells(people, found)
    together = _pairs(cells.sizes)
    return Agreement(
        precision=_share(together, _pairs(cells.found_sizes)),
        recall=_share(together, _pairs(cells.people_sizes)),
    )


def b_cubed(people: NDArray[np.int64], found: NDArray[np.int64]) -> Agreement:
    """Average over faces the share of a face's group that is its person, and vice versa.

    Bagga and Baldwin: Algorithms for scoring coreference chains (LREC 1998).
    """
    cells = _cells(people, found)
    squares, faces = cells.sizes.astype(np.float64) ** 2, max(len(people), 1)
    return Agreement(
        precision=float((squares / cells.found_sizes[cells.found]).sum() / faces),
        recall=float((squares / cells.people_sizes[cells.people]).sum() / faces),
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """The non-empty cells of the contingency table."""

    people: NDArray[np.int64]
    found: NDArray[np.int64]
    sizes: NDArray[np.int64]
    people_sizes: NDArray[np.int64]
    found_sizes: NDArray[np.int64]


def _cells(people: NDArray[np.int64], found: NDArray[np.int64]) -> _Cells:
    alone = np.where(found < 0, found.max(initial=0) + 1 + np.arange(len(found)), found)
    _, row = np.unique(people, return_inverse=True)
    _, column = np.unique(alone, return_inverse=True)
    width = int(column.max(initial=0)) + 1
    places, sizes = np.unique(row.astype(np.int64) * width + column, return_counts=True)
    return _Cells(
        people=places // width,
        found=places % width,
        sizes=sizes,
        people_sizes=np.bincount(row),
        found_sizes=np.bincount(column),
    )


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0

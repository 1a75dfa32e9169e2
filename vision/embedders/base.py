"""Interface of embedders, and shared batching and normalisation."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelRefused
from vision.geometry import Box
from vision.models.catalogue import ModelEntry
from vision.models.sessions import Session

BATCH = 32  # crops per run: larger batches are not faster and need more memory


class Embedder(Protocol):
    """A model that maps aligned crops of faces to vectors."""

    @property
    def entry(self) -> ModelEntry:
        """Return the model's catalogue entry, with its thresholds."""

    @property
    def dimension(self) -> int:
        """Return the dimension of its vectors."""

    @property
    def side(self) -> int:
        """Return the side of its crops in px."""

    def align(
        self, pixels: NDArray[np.uint8], box: Box, landmarks: NDArray[np.floating] | None
    ) -> NDArray[np.uint8]:
        """Return the (side, side, 3) crop of one face of an RGB photo."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (n, dimension) unit vectors of (n, side, side, 3) crops."""


def embed_in_batches(
    session: Session, inputs: NDArray[np.float32], dimension: int
) -> NDArray[np.float32]:
    """Run a graph in batches and return its first output (n, dimension), rows of unit length.

    Raises ModelRefused for outputs that are zero or not finite.
    """
    step = session.input_shape[0] or BATCH
    rows = [np.empty((0, dimension), np.float32)]
    for start in range(0, len(inputs), step):
        rows.append(_run(session, inputs[start : start + step], step=session.input_shape[0]))
    vectors = np.concatenate(rows)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
        raise ModelRefused(f"The model {session.path.name} gave a face no direction.")
    return (vectors / lengths).astype(np.float32)


def _run(session: Session, inputs: NDArray[np.float32], *, step: int | None) -> NDArray[np.float32]:
    count = len(inputs)
    if step is not None and count < step:  # a graph with a fixed batch size takes full batches only
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], step - count, axis=0)])
    output = session.run(np.ascontiguousarray(inputs))[0]
    return output.reshape(len(output), -1)[:count]

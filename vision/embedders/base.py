"""What every embedder shares: batches, unit length, and what the engine may ask of it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelRefused
from vision.geometry import Box
from vision.models.catalogue import ModelEntry
from vision.models.sessions import Session

BATCH = 32  # crops a run: larger ones are no faster and cost memory


class Embedder(Protocol):
    """A model that gives each face a vector, and the crop it wants for that."""

    @property
    def entry(self) -> ModelEntry:
        """Return the model's facts and thresholds."""

    @property
    def dimension(self) -> int:
        """Return the length of its vectors."""

    @property
    def side(self) -> int:
        """Return the side of its crops, px."""

    def align(
        self, pixels: NDArray[np.uint8], box: Box, landmarks: NDArray[np.floating] | None
    ) -> NDArray[np.uint8]:
        """Return the (side, side, 3) crop of one face of an RGB photo."""

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (n, dimension) unit vectors of (n, side, side, 3) crops."""


def embed_in_batches(
    session: Session, inputs: NDArray[np.float32], dimension: int
) -> NDArray[np.float32]:
    """Run a graph over inputs in batches and return its first output, rows of unit length."""
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
    if step is not None and count < step:  # a graph whose batch is closed takes full ones only
        inputs = np.concatenate([inputs, np.repeat(inputs[-1:], step - count, axis=0)])
    output = session.run(np.ascontiguousarray(inputs))[0]
    return output.reshape(len(output), -1)[:count]

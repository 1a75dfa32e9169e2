"""One vector that stands for a person. Pure numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_LENGTH = 1e-6  # of a mean: vectors that cancel each other out have no direction


def template_of(vectors: NDArray[np.float32], quality: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the unit vector (d,) along the quality-weighted mean of unit vectors (n, d).

    Where no quality is above zero all count alike; where the mean vanishes the best vector stands.
    """
    weights = np.maximum(quality.astype(np.float64), 0.0)
    if not weights.sum() > 0:
        weights = np.ones(len(vectors))
    mean = (weights / weights.sum()) @ vectors.astype(np.float64)
    length = float(np.linalg.norm(mean))
    if length < LEAST_LENGTH:
        mean = vectors[int(np.argmax(weights))].astype(np.float64)
        length = float(np.linalg.norm(mean))
    return (mean / length).astype(np.float32)

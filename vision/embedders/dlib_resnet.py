"""dlib's face recognition network: aligned by five landmarks, 128 values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision.alignment import DLIB_SIDE, dlib_matrix, warp_face
from vision.embedders.base import embed_in_batches
from vision.geometry import Box
from vision.models.catalogue import ModelEntry
from vision.models.sessions import Session


class DlibEmbedder:
    """The converted graph; it takes unscaled pixels 0..255."""

    side = DLIB_SIDE

    def __init__(self, entry: ModelEntry, session: Session) -> None:
        self.entry = entry
        self.dimension = entry.dimension
        self._session = session

    def align(
        self, pixels: NDArray[np.uint8], box: Box, landmarks: NDArray[np.floating] | None
    ) -> NDArray[np.uint8]:
        """Return the (150, 150, 3) crop with eyes, nose and mouth at dlib's template positions."""
        return warp_face(pixels, dlib_matrix(box, landmarks), self.side)

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (n, 128) unit vectors of (n, 150, 150, 3) crops."""
        inputs = np.moveaxis(crops, -1, 1).astype(np.float32)
        return embed_in_batches(self._session, inputs, self.dimension)

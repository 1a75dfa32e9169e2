"""FaceNet exports of both kinds: layout, size and dimension are read from the graph."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vision.alignment import facenet_matrix, warp_face
from vision.embedders.base import embed_in_batches
from vision.errors import ModelRefused
from vision.geometry import Box
from vision.models.catalogue import ModelEntry, Scaling
from vision.models.sessions import Session, Shape

_COLOURS = 3


class FacenetEmbedder:
    """A FaceNet graph; free dimensions of the graph are taken from the catalogue."""

    def __init__(self, entry: ModelEntry, session: Session) -> None:
        self._known = entry
        self._session = session

    @cached_property
    def entry(self) -> ModelEntry:
        """Return the catalogue entry with the dimension that the graph declares."""
        return replace(self._known, dimension=self.dimension)

    @cached_property
    def dimension(self) -> int:
        """Return the dimension; raise ModelRefused if graph and catalogue disagree."""
        declared = self._session.output_shapes[0][-1]
        known = self._known.dimension
        if not (declared or known) or (known and declared not in {None, known}):
            raise ModelRefused(
                f"{self._known.id} gives vectors of an unexpected length: {declared}."
            )
        return declared or known

    @cached_property
    def side(self) -> int:
        """Return the side of the crops in px."""
        height = self._shape[1 if self._is_channels_last else 2]
        return height or self._known.side

    def align(
        self, pixels: NDArray[np.uint8], box: Box, landmarks: NDArray[np.floating] | None
    ) -> NDArray[np.uint8]:
        """Return the (side, side, 3) crop: eyes level, a margin of a tenth of the box."""
        return warp_face(pixels, facenet_matrix(box, landmarks, side=self.side), self.side)

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the (n, dimension) unit vectors of (n, side, side, 3) crops."""
        inputs = _SCALED[self._scaling](crops.astype(np.float32))
        if not self._is_channels_last:
            inputs = np.moveaxis(inputs, -1, 1)
        return embed_in_batches(self._session, inputs, self.dimension)

    @property
    def _scaling(self) -> Scaling:
        if self._known.scaling is not Scaling.LAYOUT:
            return self._known.scaling
        # TensorFlow exports are NHWC and standardise per crop; PyTorch exports are NCHW with a
        # fixed scale.
        return Scaling.STANDARDISE if self._is_channels_last else Scaling.FIXED

    @cached_property
    def _is_channels_last(self) -> bool:
        if self._shape[3] == _COLOURS:
            return True
        if self._shape[1] == _COLOURS:
            return False
        raise ModelRefused(f"{self._known.id} takes {self._shape}; an RGB image is expected.")

    @cached_property
    def _shape(self) -> Shape:
        shape = self._session.input_shape
        if len(shape) != 4:  # NHWC or NCHW
            raise ModelRefused(f"{self._known.id} takes {shape}; an RGB image is expected.")
        return shape


def standardised(crops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standardise each crop by its own mean and deviation, as the TensorFlow weights expect."""
    axes = (1, 2, 3)
    count = crops[0].size if len(crops) else 1
    mean = crops.mean(axis=axes, keepdims=True)
    spread = np.maximum(crops.std(axis=axes, keepdims=True), 1 / np.sqrt(count))
    return ((crops - mean) / spread).astype(np.float32)


def fixed(crops: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale all crops by fixed constants, as the PyTorch weights expect."""
    return ((crops - 127.5) / 128).astype(np.float32)


_SCALED = {Scaling.STANDARDISE: standardised, Scaling.FIXED: fixed}

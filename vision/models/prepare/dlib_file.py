"""Read the tensors of dlib's face recognition network from dlib's serialisation format.

An integer is a control byte (low nibble: number of bytes that follow, bit 7: negative) and its
bytes, little-endian; a string is its length as an integer and its characters; a tensor is a
version, four sizes and float32 values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision.errors import ModelRefused

_TAGS = re.compile(rb"\x01\x05(con_4)|\x01\x07(affine_)|\x01\x04(fc_2)")
_TENSOR_VERSION = 2
_COUNTS = {"con_4": 29, "affine_": 29, "fc_2": 1}


@dataclass(frozen=True)
class DlibTensors:
    """The weights in the order of the network, input first."""

    convolutions: tuple[NDArray[np.float32], ...]
    affines: tuple[NDArray[np.float32], ...]
    dense: NDArray[np.float32]


def read_dlib_tensors(data: bytes) -> DlibTensors:
    """Return the tensors of a .dat file; raise ModelRefused if it contains another network."""
    found: dict[str, list[NDArray[np.float32]]] = {tag: [] for tag in _COUNTS}
    position = 0
    while (match := _TAGS.search(data, position)) is not None:
        tag = next(group for group in match.groups() if group).decode()
        reader = _Reader(data, match.end())
        if tag == "fc_2":
            reader.integers(2)  # outputs and inputs, repeated in the sizes of the tensor
        found[tag].append(reader.tensor())
        position = reader.position
    if {tag: len(tensors) for tag, tensors in found.items()} != _COUNTS:
        raise ModelRefused("The file does not hold dlib's face recognition network.")
    return DlibTensors(tuple(found["con_4"]), tuple(found["affine_"]), found["fc_2"][0])


class _Reader:
    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self.position = position

    def tensor(self) -> NDArray[np.float32]:
        version, *sizes = self.integers(5)
        end = self.position + 4 * math.prod(sizes)
        if version != _TENSOR_VERSION or min(sizes) < 1 or end > len(self._data):
            raise ModelRefused("The file is cut short or of another version of dlib.")
        values = np.frombuffer(self._data[self.position : end], dtype="<f4")
        self.position = end
        return values.reshape(sizes).astype(np.float32)

    def integers(self, count: int) -> list[int]:
        return [self._integer() for _ in range(count)]

    def _integer(self) -> int:
        control = self._data[self.position : self.position + 1]
        length = control[0] & 0x0F if control else 0
        start, self.position = self.position + 1, self.position + 1 + length
        value = int.from_bytes(self._data[start : self.position], "little")
        return -value if control and control[0] & 0x80 else value

"""Convert dlib's face recognition network to an ONNX graph: 150 x 150 RGB to 128 values.

The graph takes pixels 0..255 as float32 (n, 3, 150, 150) and subtracts dlib's mean itself. The
conversion is deterministic: equal files give equal bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from vision.errors import ModelRefused
from vision.models.prepare.dlib_file import DlibTensors, read_dlib_tensors

SIDE = 150  # dlib's crop, px
DIMENSION = 128
_MEAN = np.array([122.782, 117.001, 104.298], dtype=np.float32)  # RGB, dlib's input layer
_SCALE = np.float32(1 / 256)
# (filters, whether it halves the sides) of each residual block.
_BLOCKS = (
    *[(32, False)] * 3,
    *[(64, True), *[(64, False)] * 3],
    *[(128, True), *[(128, False)] * 2],
    *[(256, True), *[(256, False)] * 2],
    (256, True),
)
_OPSET = 17
_IR_VERSION = 8


def graph_from_dat(data: bytes) -> bytes:
    """Return the ONNX graph of `dlib_face_recognition_resnet_model_v1.dat`."""
    build = _Build(read_dlib_tensors(data))
    flow = build.scaled("image")
    flow = build.relu(build.convolution(flow, filters=32, kernel=7, stride=2, pad=0))
    flow = build.pool("MaxPool", flow, kernel=3, stride=2)
    for filters, halves in _BLOCKS:
        flow = build.block(flow, filters=filters, halves=halves)
    build.dense(flow, "vector")
    return build.serialised()


class _Build:
    """Builder of the graph; each method appends nodes and returns the name of their output.

    `self._side` and `self._channels` track the current shape, which the padding of skip connections
    depends on.
    """

    def __init__(self, tensors: DlibTensors) -> None:
        self._pairs = iter(zip(tensors.convolutions, tensors.affines, strict=True))
        self._dense = tensors.dense
        self._nodes: list[onnx.NodeProto] = []
        self._values: list[onnx.TensorProto] = []
        self._side = SIDE
        self._channels = 3

    def scaled(self, image: str) -> str:
        centred = self._add("Sub", image, self._value(_MEAN.reshape(1, 3, 1, 1)))
        return self._add("Mul", centred, self._value(np.array(_SCALE)))

    def convolution(self, flow: str, *, filters: int, kernel: int, stride: int, pad: int) -> str:
        weights, biases = _folded(
            *next(self._pairs), shape=(filters, self._channels, kernel, kernel)
        )
        self._channels = filters
        self._side = (self._side + 2 * pad - kernel) // stride + 1
        attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
        return self._add("Conv", flow, self._value(weights), self._value(biases), **attributes)

    def relu(self, flow: str) -> str:
        return self._add("Relu", flow)

    def pool(self, kind: str, flow: str, *, kernel: int, stride: int) -> str:
        self._side = (self._side - kernel) // stride + 1
        return self._add(kind, flow, kernel_shape=[kernel] * 2, strides=[stride] * 2)

    def block(self, flow: str, *, filters: int, halves: bool) -> str:
        side, channels = self._side, self._channels
        stride, pad = (2, 0) if halves else (1, 1)
        main = self.relu(self.convolution(flow, filters=filters, kernel=3, stride=stride, pad=pad))
        main = self.convolution(main, filters=filters, kernel=3, stride=1, pad=1)
        main_side = self._side
        self._side, skip = side, flow
        if halves:
            skip = self.pool("AveragePool", flow, kernel=2, stride=2)
        target = max(main_side, self._side)
        main = self._padded(main, channels=0, side=target - main_side)
        skip = self._padded(skip, channels=filters - channels, side=target - self._side)
        self._side = target
        return self.relu(self._add("Add", main, skip))

    def dense(self, flow: str, name: str) -> None:
        pooled = self._add("Flatten", self._add("GlobalAveragePool", flow), axis=1)
        weights = self._value(self._dense.reshape(self._channels, DIMENSION))
        self._nodes.append(helper.make_node("MatMul", [pooled, weights], [name], name=name))

    def serialised(self) -> bytes:
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", DIMENSION])
        graph = helper.make_graph(self._nodes, "dlib-resnet", [image], [vector], self._values)
        opsets = [helper.make_opsetid("", _OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)

    def _padded(self, flow: str, *, channels: int, side: int) -> str:
        if not channels and not side:
            return flow
        ends = np.array([0, 0, 0, 0, 0, channels, side, side], dtype=np.int64)
        return self._add("Pad", flow, self._value(ends), mode="constant")

    def _add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def _value(self, array: NDArray[np.generic]) -> str:
        name = f"value_{len(self._values)}"
        self._values.append(numpy_helper.from_array(array, name))
        return name


def _folded(
    convolution: NDArray[np.float32], affine: NDArray[np.float32], *, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold the affine layer (gamma, then beta) into filters and biases of the convolution."""
    filters = shape[0]
    if convolution.size != np.prod(shape) + filters or affine.size != 2 * filters:
        raise ModelRefused("A layer of the file has another size than dlib's network.")
    weights, biases = np.split(convolution.ravel().astype(np.float64), [-filters])
    gamma, beta = affine.ravel().astype(np.float64).reshape(2, filters)
    folded = weights.reshape(shape) * gamma.reshape(-1, 1, 1, 1)
    return folded.astype(np.float32), (biases * gamma + beta).astype(np.float32)

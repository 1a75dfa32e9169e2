"""Small ONNX graphs with the contracts of real models."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def doubling_graph(shape):
    """Return a graph that doubles what it is given."""
    return serialised([helper.make_node("Add", ["image", "image"], ["out"])], [], shape, shape)


def embedding_graph(shape, dimension, *, seed=0):
    """Return a graph with FaceNet's contract: it projects the means of a picture's colours."""
    channels_last = shape[3] == 3
    weights = np.random.default_rng(seed).normal(size=(3, dimension)).astype(np.float32)
    axes = [1, 2] if channels_last else [2, 3]
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["out"]),
    ]
    values = [numpy_helper.from_array(weights, "weights")]
    return serialised(nodes, values, shape, [shape[0], dimension])


def serialised(nodes, values, shape, out_shape):
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, out_shape)
    graph = helper.make_graph(nodes, "small", [image], [out], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()

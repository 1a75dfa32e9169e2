"""Make CenterFace's dimensions dynamic: the graph declares 10 x 3 x 32 x 32 unnecessarily."""

from __future__ import annotations

import onnx


def free_dimensions(published: bytes) -> bytes:
    """Return the graph with dynamic batch, height and width; sides must be multiples of 32."""
    model = onnx.load_from_string(published)
    graph = model.graph
    initialisers = {tensor.name for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in initialisers]
    del graph.value_info[:]  # inner shapes, derived from the fixed dimensions
    for value in (*images, *graph.output):
        shape = value.type.tensor_type.shape
        for axis, name in _FREE.items():
            shape.dim[axis].dim_param = f"{name}_{value.name}" if axis else name
    return model.SerializeToString(deterministic=True)


_FREE = {0: "batch", 2: "height", 3: "width"}

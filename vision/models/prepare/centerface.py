"""Free CenterFace's dimensions: the graph declares 10 x 3 x 32 x 32 and needs none of it."""

from __future__ import annotations

import onnx


def free_dimensions(published: bytes) -> bytes:
    """Return the graph with batch, height and width left open; sides stay multiples of 32."""
    model = onnx.load_from_string(published)
    graph = model.graph
    initialisers = {tensor.name for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in initialisers]
    del graph.value_info[:]  # the inner shapes were derived from the closed ones
    for value in (*images, *graph.output):
        shape = value.type.tensor_type.shape
        for axis, name in _FREE.items():
            shape.dim[axis].dim_param = f"{name}_{value.name}" if axis else name
    return model.SerializeToString(deterministic=True)


_FREE = {0: "batch", 2: "height", 3: "width"}

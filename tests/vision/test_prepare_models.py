"""Conversions: dlib's file to ONNX, and CenterFace with dynamic dimensions."""

import struct

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.vision.settings import MODELS, real_model
from vision.errors import ModelRefused
from vision.models.catalogue import CATALOGUE
from vision.models.files import published_path
from vision.models.prepare.centerface import free_dimensions
from vision.models.prepare.dlib import graph_from_dat
from vision.models.prepare.dlib_file import read_dlib_tensors
from vision.models.sessions import open_session

# What dlib 20.0 itself computes for `drawn_crop`: the first 8 of 128 values, and their length.
DLIB_SAYS = [
    -0.08178705,
    0.15054637,
    0.0763652,
    -0.07041609,
    -0.08345457,
    -0.040434,
    -0.07613064,
    -0.00235978,
]
DLIB_NORM = 1.3124411222


def drawn_crop():
    rows, columns = np.mgrid[0:150, 0:150]
    red = (columns * 3 + rows) % 256
    green = (columns * columns // 7 + 2 * rows) % 256
    blue = ((columns - 75) ** 2 + (rows - 75) ** 2) // 23 % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def test_the_converted_network_says_what_dlib_says(tmp_path):
    session = open_session(real_model("dlib-resnet", tmp_path), 1)
    crops = np.stack([drawn_crop(), drawn_crop()]).transpose(0, 3, 1, 2).astype(np.float32)

    (vectors,) = session.run(crops)

    assert vectors.shape == (2, 128)
    np.testing.assert_allclose(vectors[0, :8], DLIB_SAYS, atol=2e-6)
    assert np.linalg.norm(vectors[0]) == pytest.approx(DLIB_NORM, abs=2e-6)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_equal_files_give_equal_bytes(tmp_path):
    real_model("dlib-resnet", tmp_path)
    data = published_path(CATALOGUE["dlib-resnet"], models=MODELS, cache=tmp_path).read_bytes()

    assert graph_from_dat(data) == graph_from_dat(data)


def test_a_truncated_file_is_refused(tmp_path):
    real_model("dlib-resnet", tmp_path)
    data = published_path(CATALOGUE["dlib-resnet"], models=MODELS, cache=tmp_path).read_bytes()

    with pytest.raises(ModelRefused):
        graph_from_dat(data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"\x01\x05con_4", b"no network at all" * 100])
def test_what_is_not_dlibs_network_is_refused(data):
    with pytest.raises(ModelRefused):
        graph_from_dat(data)


def test_a_layer_of_another_size_is_refused():
    with pytest.raises(ModelRefused, match="another size"):
        graph_from_dat(dat_of(con=[5], affine=[2]))


def test_tensors_are_read_in_order():
    tensors = read_dlib_tensors(dat_of(con=range(1, 30), affine=range(1, 30)))

    assert [tensor.size for tensor in tensors.convolutions] == list(range(1, 30))
    assert tensors.affines[4].ravel().tolist() == [0, 1, 2, 3, 4]
    assert tensors.dense.shape == (2, 3, 1, 1)


def integer(value):
    digits = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "little")
    return bytes([len(digits)]) + digits


def tensor(*sizes):
    count = int(np.prod(sizes))
    values = struct.pack(f"<{count}f", *range(count))
    return integer(2) + b"".join(integer(size) for size in sizes) + values


def dat_of(*, con, affine):
    """Return a file with dlib's tags around tensors of these sizes (the last size repeats)."""
    con, affine = ([*sizes][:29] + [[*sizes][-1]] * (29 - len(sizes)) for sizes in (con, affine))
    layers = [
        b"\x01\x05con_4" + tensor(first, 1, 1, 1) + b"\x01\x07affine_" + tensor(second, 1, 1, 1)
        for first, second in zip(con, affine, strict=True)
    ]
    dense = b"\x01\x04fc_2" + integer(3) + integer(2) + tensor(2, 3, 1, 1)
    return b"\x01\x01" + b"".join(layers) + dense


def closed_graph():
    """Return a convolution of stride 4 that declares the input CenterFace declares."""
    values = [
        helper.make_tensor("weights", TensorProto.FLOAT, [1, 3, 4, 4], np.ones(48, np.float32))
    ]
    nodes = [
        helper.make_node("Conv", ["input", "weights"], ["inner"], strides=[4, 4]),
        helper.make_node("Relu", ["inner"], ["out"]),
    ]
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [10, 3, 32, 32])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [10, 1, 8, 8])
    weights = helper.make_tensor_value_info("weights", TensorProto.FLOAT, [1, 3, 4, 4])
    graph = helper.make_graph(nodes, "closed", [image, weights], [out], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=3)
    return onnx.shape_inference.infer_shapes(model).SerializeToString()


def test_freed_dimensions_take_any_batch_and_size(tmp_path):
    path = tmp_path / "free.onnx"
    path.write_bytes(free_dimensions(closed_graph()))
    session = open_session(path, 1)

    (out,) = session.run(np.ones((2, 3, 64, 96), np.float32))

    assert out.shape == (2, 1, 16, 24)
    assert session.input_shape == (None, 3, None, None)


def test_freed_dimensions_leave_no_inner_shape_behind():
    assert onnx.load_from_string(closed_graph()).graph.value_info
    assert not onnx.load_from_string(free_dimensions(closed_graph())).graph.value_info


def test_centerface_takes_any_batch_and_size(tmp_path):
    session = open_session(real_model("centerface", tmp_path), 1)

    heat, scale, offset, landmarks = session.run(np.zeros((2, 3, 64, 96), np.float32))

    assert heat.shape == (2, 1, 16, 24)
    assert scale.shape == offset.shape == (2, 2, 16, 24)
    assert landmarks.shape == (2, 10, 16, 24)

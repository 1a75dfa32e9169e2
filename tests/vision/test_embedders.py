"""Embedders: scaling from the catalogue entry, layout and size from the graph, unit rows."""

from dataclasses import replace

import numpy as np
import pytest

from tests.vision.graphs import embedding_graph, serialised
from tests.vision.settings import real_model
from vision.embedders import make_embedder
from vision.embedders.facenet import fixed, standardised
from vision.errors import ModelRefused
from vision.models.catalogue import CATALOGUE, Scaling
from vision.models.sessions import open_session

FACENET = CATALOGUE["facenet512"]


@pytest.fixture
def opened(tmp_path):
    def open_graph(shape, dimension=512, entry=FACENET):
        path = tmp_path / f"{'-'.join(map(str, shape))}-{dimension}.onnx"
        path.write_bytes(embedding_graph(shape, dimension))
        return make_embedder(entry, open_session(path, 1))

    return open_graph


def crops_of(count, side=160, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_both_layouts_give_the_same_vectors(opened):
    crops = crops_of(3)

    first = opened(["n", 3, 160, 160]).embed(crops)
    last = opened(["n", 160, 160, 3]).embed(crops)

    assert first.shape == (3, 512)
    assert first.dtype == np.float32
    np.testing.assert_allclose(first, last, atol=1e-5)


def test_rows_are_of_unit_length(opened):
    vectors = opened(["n", 3, 160, 160]).embed(crops_of(5))

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_a_row_does_not_depend_on_its_batch(opened, batch):
    embedder, crops = opened([batch, 3, 160, 160]), crops_of(70)

    together = embedder.embed(crops)

    alone = np.concatenate([embedder.embed(crops[row : row + 1]) for row in (0, 31, 32, 69)])
    np.testing.assert_allclose(together[[0, 31, 32, 69]], alone, atol=1e-5)


def test_no_crops_give_no_rows(opened):
    assert opened(["n", 3, 160, 160]).embed(crops_of(0)).shape == (0, 512)


def test_size_and_dimension_are_read_from_the_graph(opened):
    own = replace(FACENET, dimension=0, scaling=Scaling.LAYOUT)

    embedder = opened(["n", 112, 112, 3], 128, own)

    assert (embedder.side, embedder.dimension, embedder.entry.dimension) == (112, 128, 128)
    assert embedder.align(crops_of(1)[0], (40, 40, 80, 80), None).shape == (112, 112, 3)


def test_a_free_size_is_the_entrys(opened):
    assert opened(["n", 3, "h", "w"]).side == 160


def test_another_dimension_than_the_catalogues_is_refused(opened):
    with pytest.raises(ModelRefused, match="128"):
        opened(["n", 3, 160, 160], 128).embed(crops_of(1))


def test_a_grey_graph_is_refused(tmp_path):
    path = tmp_path / "grey.onnx"
    path.write_bytes(serialised([], [], [1, 1, 160, 160], [1, 1, 160, 160]))

    with pytest.raises(ModelRefused):
        _ = make_embedder(FACENET, open_session(path, 1)).side


def test_a_graph_that_says_nothing_about_a_face_is_refused(opened):
    exactly_black = replace(FACENET, scaling=Scaling.STANDARDISE)  # a flat crop becomes zero

    with pytest.raises(ModelRefused, match="direction"):
        opened(["n", 3, 160, 160], 512, exactly_black).embed(np.zeros((1, 160, 160, 3), np.uint8))


def test_the_scaling_is_the_entrys(opened):
    crops = crops_of(2) // 4  # dark: the two ways of scaling part

    ways = [
        opened(["n", 3, 160, 160], 512, replace(FACENET, scaling=scaling)).embed(crops)
        for scaling in (Scaling.FIXED, Scaling.STANDARDISE)
    ]

    assert np.min(np.sum(ways[0] * ways[1], axis=1)) < 0.9


@pytest.mark.parametrize(
    ("shape", "scaling"),
    [(["n", 160, 160, 3], Scaling.STANDARDISE), (["n", 3, 160, 160], Scaling.FIXED)],
)
def test_an_unknown_file_is_scaled_as_its_layout_suggests(opened, shape, scaling):
    crops = crops_of(2) // 4

    unknown = opened(shape, 512, replace(FACENET, scaling=Scaling.LAYOUT)).embed(crops)

    known = opened(shape, 512, replace(FACENET, scaling=scaling)).embed(crops)
    np.testing.assert_array_equal(unknown, known)


def test_standardised_crops_have_no_mean_and_unit_spread():
    crops = np.concatenate([crops_of(1), crops_of(1) // 8]).astype(np.float32)

    scaled = standardised(crops)

    np.testing.assert_allclose(scaled.mean(axis=(1, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=(1, 2, 3)), 1, atol=1e-4)


def test_a_flat_crop_is_not_divided_by_nothing():
    flat = np.full((1, 160, 160, 3), 90, np.float32)

    np.testing.assert_array_equal(standardised(flat), 0)


def test_fixed_scaling_has_fixed_numbers():
    assert fixed(np.array([0, 127.5, 255], np.float32)).tolist() == [-0.99609375, 0, 0.99609375]


def test_dlib_embeds_in_batches(tmp_path):
    session = open_session(real_model("dlib-resnet", tmp_path), 1)
    embedder, crops = make_embedder(CATALOGUE["dlib-resnet"], session), crops_of(34, 150)

    vectors = embedder.embed(crops)

    assert vectors.shape == (34, 128)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[33], embedder.embed(crops[33:])[0], atol=1e-5)

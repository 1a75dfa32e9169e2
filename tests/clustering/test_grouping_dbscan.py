import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from clustering.grouping import dbscan_labels
from clustering.grouping.dbscan import _DensityGraph
from clustering.grouping.tiles import Pairs


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def people(seed, *, count, dimension=16, spread=0.3):
    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(1, count // 4), dimension))
    person = random.integers(0, len(centres), count)
    return unit(centres[person] + spread * random.standard_normal((count, dimension)))


def sklearn_labels(vectors, *, eps, min_samples):
    return DBSCAN(eps=np.sqrt(2 * eps), min_samples=min_samples).fit(vectors).labels_


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 90),
    eps=st.floats(0.005, 0.4),
    min_samples=st.integers(1, 6),
    block_rows=st.integers(3, 40),
)
def test_labels_equal_those_of_scikit_learn(seed, count, eps, min_samples, block_rows):
    vectors = people(seed, count=count)

    labels = dbscan_labels(vectors, eps=eps, min_samples=min_samples, block_rows=block_rows)

    np.testing.assert_array_equal(labels, sklearn_labels(vectors, eps=eps, min_samples=min_samples))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), offset=st.sampled_from([-1e-9, -1e-12, 1e-12, 1e-9]))
def test_a_cut_that_straddles_a_distance_decides_as_scikit_learn(seed, offset):
    vectors = people(seed, count=40)
    random = np.random.default_rng(seed)
    first, second = random.choice(40, 2, replace=False)
    cannot_link = vectors[first].astype(np.float64) - vectors[second]
    eps = float(cannot_link @ cannot_link) / 2 + offset

    labels = dbscan_labels(vectors, eps=eps, min_samples=3)

    exact = sklearn_labels(vectors.astype(np.float64), eps=eps, min_samples=3)
    np.testing.assert_array_equal(labels, exact)


@pytest.mark.parametrize(("offset", "labels"), [(1e-12, [0, 0]), (-1e-12, [-1, -1])])
def test_the_rounding_of_a_product_decides_nothing(offset, labels):
    """The distance of two rows is the threshold, in float64; their float32 product is near it."""
    for seed in range(40):
        vectors = people(seed, count=2)
        apart = vectors[0].astype(np.float64) - vectors[1]
        eps = float(apart @ apart) / 2 + offset

        assert dbscan_labels(vectors, eps=eps, min_samples=2).tolist() == labels


def test_a_border_face_joins_the_first_cluster_that_reaches_it():
    angles = np.array([0.0, 0.02, 0.04, 0.5, 0.96, 0.98, 1.0, 0.27, 0.73])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    labels = dbscan_labels(vectors, eps=1 - np.cos(0.24), min_samples=4)

    np.testing.assert_array_equal(
        labels, sklearn_labels(vectors, eps=1 - np.cos(0.24), min_samples=4)
    )


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_faces_are_noise_or_one_group(count):
    vectors = np.tile(np.float32([[1, 0]]), (count, 1))

    labels = dbscan_labels(vectors, eps=0.1, min_samples=2)

    assert labels.tolist() == ([0, 0] if count == 2 else [-1] * count)


def test_a_crowded_graph_forgets_edges_and_keeps_its_labels():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 60, (2, 400))
    keep = first < second
    edges = np.unique(np.stack([first[keep], second[keep]]), axis=1)
    roomy, tight = (_DensityGraph(60, min_samples=7) for _ in range(2))
    tight._room = 1

    for part in np.array_split(edges, 20, axis=1):
        for graph in (roomy, tight):
            graph.add(Pairs(part[0], part[1], np.ones(part.shape[1], dtype=np.float32)))

    np.testing.assert_array_equal(roomy.labels(), tight.labels())
    assert tight._held <= 60 * 8

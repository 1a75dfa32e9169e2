import numpy as np
import pytest

from clustering.grouping import bounds, dbscan_labels
from clustering.grouping.dbscan import ROUNDING
from tests.clustering.test_grouping_dbscan import people, sklearn_labels, unit


@pytest.fixture(autouse=True)
def _always_worth_it(monkeypatch):
    monkeypatch.setattr(bounds, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(bounds, "_NARROWEST", 1)
    monkeypatch.setattr(bounds, "_COLUMNS_PER_PAIR", 0)


@pytest.mark.parametrize("seed", range(5))
def test_a_bounding_projection_never_lowers_a_similarity(seed):
    vectors = people(seed, count=400, dimension=64)

    short = bounds.bounding_projection(vectors, floor=0.8)

    assert short.shape[1] < vectors.shape[1]
    assert (short @ short.T >= vectors @ vectors.T - ROUNDING).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("eps", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("spread", [0.1, 0.4])
def test_labels_stay_those_of_scikit_learn(seed, eps, spread):
    vectors = people(seed, count=400, dimension=64, spread=spread)

    labels = dbscan_labels(vectors, eps=eps, min_samples=3, block_rows=90)

    exact = sklearn_labels(vectors.astype(np.float64), eps=eps, min_samples=3)
    np.testing.assert_array_equal(labels, exact)


def test_copies_of_one_photo_are_at_distance_nought():
    vectors = np.repeat(unit(np.random.default_rng(0).standard_normal((50, 64))), 4, axis=0)

    labels = dbscan_labels(vectors, eps=0.0, min_samples=2)

    np.testing.assert_array_equal(labels, np.repeat(np.arange(50), 4))


@pytest.mark.parametrize(("offset", "labels"), [(1e-12, {-1, 0}), (-1e-12, {-1})])
def test_the_rounding_of_a_product_decides_nothing(offset, labels):
    """One pair among many rows is at the threshold; the bounds exclude most of the others."""
    for seed in range(20):
        vectors = unit(np.random.default_rng(seed).standard_normal((400, 64)))
        vectors[7] = unit(vectors[3:4] + 0.02 * vectors[5:6])[0]
        apart = vectors[3].astype(np.float64) - vectors[7]

        found = dbscan_labels(vectors, eps=float(apart @ apart) / 2 + offset, min_samples=2)

        assert {*found.tolist()} == labels

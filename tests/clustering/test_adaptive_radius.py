"""The radius of a face by its definition: the mean distance to the 3rd to 10th nearest group."""

import numpy as np
import pytest

from clustering.grouping import adaptive_radius as module
from clustering.grouping.adaptive_radius import adaptive_radius, cluster_centroids
from tests.clustering.test_grouping_dbscan import people, unit

EPS = 0.6


def defined(vectors, labels, *, eps):
    names = sorted({*labels.tolist()})
    centroids = unit(np.stack([vectors[labels == name].sum(axis=0) for name in names]))
    radius = []
    for row, label in zip(vectors, labels, strict=True):
        others = [name != label for name in names]
        rivals = np.sort((centroids @ row)[others])[::-1][2:10]
        radius.append(min(eps, 1 - rivals.mean()))
    return radius


@pytest.mark.parametrize(
    ("rows_at_once", "groups_at_once"), [(1024, 8192), (1024, 5), (7, 11), (1, 5)]
)
@pytest.mark.parametrize("groups", [11, 12, 30])
def test_the_radius_is_the_mean_distance_to_the_nearest_other_groups(
    monkeypatch, groups, rows_at_once, groups_at_once
):
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr(module, "_GROUPS_AT_ONCE", groups_at_once)
    vectors = people(5, count=60, dimension=6)
    labels = np.arange(60) % groups * 3

    found = adaptive_radius(vectors, labels, eps=EPS)

    np.testing.assert_allclose(found, defined(vectors, labels, eps=EPS), atol=1e-5)
    assert 0 < np.count_nonzero(found < np.float32(EPS)) < 60


@pytest.mark.parametrize("groups", [0, 1, 10])
def test_among_ten_groups_or_fewer_the_radius_is_eps(groups):
    vectors = people(5, count=3 * groups or 1, dimension=6)[: 3 * groups]
    labels = np.arange(3 * groups) % max(groups, 1)

    assert set(adaptive_radius(vectors, labels, eps=0.25).tolist()) <= {0.25}


def test_a_centroid_is_the_direction_of_the_rows_of_its_group_alone():
    vectors = people(5, count=9, dimension=6)
    group = np.array([2, -1, 0, 2, 1, -1, 0, 1, 2])

    found = cluster_centroids(vectors, group, 3)

    expected = unit(np.stack([vectors[group == one].sum(axis=0) for one in range(3)]))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert cluster_centroids(vectors, np.full(9, -1), 2).tolist() == [[0] * 6] * 2

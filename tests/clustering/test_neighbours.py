import uuid

import numpy as np

from clustering.grouping import group_faces
from clustering.pipeline.neighbours import IndexNeighbours
from storage.vectors import Hit
from tests.clustering.test_grouping_dbscan import people

EPS = 0.08


class Store:
    """Find by a plain product, and strangers too."""

    def __init__(self, ids, vectors):
        self.ids, self.vectors, self.asked = ids, vectors, []

    def search(self, model, vector, *, limit, where):
        self.asked.append((model, limit, where))
        products = self.vectors @ vector
        nearest = np.argsort(-products)[:limit]
        hits = [Hit(self.ids[row], float(products[row]), {}) for row in nearest]
        return [*hits, Hit(str(uuid.uuid4()), 1.0, {})]


def test_neighbours_of_the_store_lead_to_the_same_groups():
    vectors = people(5, count=200, spread=0.3)
    ids = [str(uuid.uuid4()) for _ in vectors]
    store = Store(ids, vectors)
    neighbours = IndexNeighbours(store, "m", ids, vectors, {"collection": "a"})

    labels = group_faces(vectors, eps=EPS, min_samples=2, neighbours=neighbours).labels

    np.testing.assert_array_equal(labels, group_faces(vectors, eps=EPS, min_samples=2).labels)
    assert store.asked == [("m", 49, {"collection": "a"})] * 200


def test_a_row_is_not_its_own_neighbour():
    vectors = people(5, count=50, spread=0.3)
    ids = [str(uuid.uuid4()) for _ in vectors]
    neighbours = IndexNeighbours(Store(ids, vectors), "m", ids, vectors, {})

    answers = list(neighbours(radius=EPS, nearest=5))

    assert [row for row, _, _ in answers] == list(range(50))
    assert all(row not in near for row, near, _ in answers)
    assert all((similarity >= 1 - EPS).all() for _, _, similarity in answers)

import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.documents import Run
from clustering.grouping import group_faces
from clustering.grouping.neighbour_pairs import find_neighbour_pairs
from clustering.pipeline.neighbour_pairs import CachedPairs, IndexedPairs, graph_id
from storage.errors import ObjectVanished
from storage.vectors import Hit
from tests.clustering.test_grouping_dbscan import people, unit

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
    index = IndexedPairs(store, "m", ids, vectors, {"collection": "a"})

    labels = group_faces(vectors, eps=EPS, min_samples=2, candidates=index).labels

    np.testing.assert_array_equal(labels, group_faces(vectors, eps=EPS, min_samples=2).labels)
    assert store.asked == [("m", 49, {"collection": "a"})] * 200


def test_a_row_is_not_its_own_neighbour():
    vectors = people(5, count=50, spread=0.3)
    ids = [str(uuid.uuid4()) for _ in vectors]
    index = IndexedPairs(Store(ids, vectors), "m", ids, vectors, {})

    answers = list(index.listed(radius=EPS, nearest=5))

    assert [row for row, _, _ in answers] == list(range(50))
    assert all(row not in near for row, near, _ in answers)
    assert all((similarity >= 1 - EPS).all() for _, _, similarity in answers)


def assert_same(pairs, others):
    np.testing.assert_array_equal(pairs.first, others.first)
    np.testing.assert_array_equal(pairs.second, others.second)
    np.testing.assert_allclose(pairs.similarity, others.similarity, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_remembered_is_what_comparing_all_gives(data):
    """Faces come and go, people are crowded; only the new ones and their bereaved are compared."""
    crowd = crowded(spread=data.draw(st.sampled_from([0.02, 0.3])))
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(260)
    before = order[: data.draw(st.integers(0, 260))]
    gone = data.draw(st.integers(0, len(before)))
    now = np.concatenate([before[gone:], order[len(before) :]])
    radius = data.draw(st.sampled_from([0.05, EPS, 0.12]))
    later = data.draw(st.sampled_from([0.05, EPS, 0.12]))
    graphs, run = Files(), Run(collection="a/b", embedder="m")

    def remembered(rows, within):
        ids = [str(uuid.UUID(int=int(row))) for row in rows]
        candidates = CachedPairs(graphs, run, ids)
        return candidates(crowd[rows], radius=within), candidates.compared

    remembered(before, radius)
    pairs, compared = remembered(now, later)

    assert_same(pairs, find_neighbour_pairs(crowd[now], radius=later))
    if later <= radius and not gone:
        assert compared == len(now) - len(before)


def crowded(*, spread, faces=260, dimension=16):
    """Return the faces of three people, so that many have more neighbours than are kept.

    Multiples of 2^-11 have products without rounding: the 48th is the same in any order.
    """
    maker = np.random.default_rng(3)
    middle = maker.standard_normal((3, dimension))[maker.integers(0, 3, faces)]
    rows = unit(middle + spread * maker.standard_normal((faces, dimension)))
    return (np.round(rows * 2048) / 2048).astype(np.float32)


class Files:
    """A storage in memory."""

    def __init__(self):
        self.kept = {}

    def read(self, name):
        if name not in self.kept:
            raise ObjectVanished("gone")
        return self.kept[name]

    def save(self, name, content):
        self.kept[name] = content


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"not a zip"])
def test_a_graph_that_cannot_be_read_is_made_again(content):
    vectors = people(5, count=20, spread=0.3)
    graphs, run = Files(), Run(collection="a/b", embedder="m")
    graphs.save(graph_id("a/b"), content)

    candidates = CachedPairs(graphs, run, [str(uuid.uuid4()) for _ in vectors])

    assert_same(candidates(vectors, radius=EPS), find_neighbour_pairs(vectors, radius=EPS))
    assert graphs.kept[graph_id("a/b")] != content


def test_a_graph_of_another_embedder_is_not_used():
    vectors = people(5, count=20, spread=0.3)
    ids, graphs = [str(uuid.uuid4()) for _ in vectors], Files()
    CachedPairs(graphs, Run(collection="a/b", embedder="m"), ids)(vectors, radius=EPS)

    other = CachedPairs(graphs, Run(collection="a/b", embedder="n"), ids)
    other(vectors, radius=EPS)

    assert other.compared == 20

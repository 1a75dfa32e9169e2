"""Candidate pairs by their definition: within the radius, among the nearest of either row."""

import numpy as np
import pytest

from clustering.grouping import neighbour_pairs as module
from clustering.grouping.neighbour_pairs import (
    extend_pairs,
    find_neighbour_pairs,
    full_pairs,
    list_pairs,
)
from clustering.grouping.tiles import iter_tiles, join_pairs, map_tiles, pairs_in_tile, tile_at
from tests.clustering.test_grouping_dbscan import people

RADIUS = 0.2


@pytest.fixture
def vectors():
    return people(3, count=90, dimension=8, spread=0.25)


def defined(vectors, *, nearest, radius=RADIUS):
    products = vectors @ vectors.T
    found = set()
    for row in range(len(vectors)):
        order = [int(one) for one in np.argsort(-products[row], kind="stable") if one != row]
        near = [one for one in order[:nearest] if products[row, one] >= 1 - radius]
        found |= {(min(row, one), max(row, one)) for one in near}
    return sorted(found)


def listed(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.mark.parametrize("block_rows", [7, 32, 1024])
@pytest.mark.parametrize("nearest", [1, 3, 5, 48])
@pytest.mark.parametrize("room", [1, 1 << 20])
def test_pairs_are_those_of_the_nearest_rows(monkeypatch, vectors, nearest, block_rows, room):
    monkeypatch.setattr(module, "_FEWEST_PAIRS_HELD", room)

    found = find_neighbour_pairs(vectors, radius=RADIUS, nearest=nearest, block_rows=block_rows)

    assert listed(found) == defined(vectors, nearest=nearest)
    products = np.einsum("ij,ij->i", vectors[found.first], vectors[found.second])
    np.testing.assert_allclose(found.similarity, products, atol=1e-6)


@pytest.mark.parametrize("block_rows", [7, 1024])
@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_pairs_are_the_same_if_some_are_known(vectors, share, block_rows):
    """Nearest is large enough that no pair of the known rows is cut off."""
    fresh = np.random.default_rng(1).random(90) < share
    old = np.flatnonzero(~fresh)
    among = find_neighbour_pairs(vectors[old], radius=RADIUS, nearest=60)
    known = among._replace(first=old[among.first], second=old[among.second])

    found = extend_pairs(vectors, known, fresh, radius=RADIUS, nearest=60, block_rows=block_rows)

    assert listed(found) == defined(vectors, nearest=60)


def test_rows_with_as_many_pairs_as_are_kept_are_full(vectors):
    found = find_neighbour_pairs(vectors, radius=RADIUS, nearest=4)
    ends = [end for pair in listed(found) for end in pair]

    assert full_pairs(found, 90, nearest=4).tolist() == [ends.count(row) >= 4 for row in range(90)]


def test_pairs_of_an_index_are_listed_once_and_within_the_radius(vectors):
    products = vectors @ vectors.T

    def index(*, radius, nearest):
        for row in reversed(range(90)):
            columns = np.argsort(-products[row])[:nearest]
            yield row, columns, products[row, columns]

    assert listed(list_pairs(index, radius=RADIUS, nearest=91)) == defined(vectors, nearest=91)
    none = list_pairs(lambda **_: iter(()), radius=RADIUS)
    assert listed(none) == []


@pytest.mark.parametrize("block_rows", [3, 7, 45, 90, 1024])
def test_tiles_show_every_pair_once(vectors, block_rows):
    def all_pairs(tile):
        np.testing.assert_allclose(tile_at(vectors, tile).products, tile.products, atol=1e-6)
        return pairs_in_tile(tile, np.ones(tile.products.shape, dtype=np.bool_))

    one_by_one = [all_pairs(tile) for tile in iter_tiles(vectors, block_rows=block_rows)]
    by_threads = list(map_tiles(vectors, all_pairs, block_rows=block_rows))

    every = [(first, second) for first in range(90) for second in range(first + 1, 90)]
    for parts in (one_by_one, by_threads):
        pairs = join_pairs(parts)
        assert sorted(listed(pairs)) == every
        products = np.einsum("ij,ij->i", vectors[pairs.first], vectors[pairs.second])
        np.testing.assert_allclose(pairs.similarity, products, atol=1e-6)
    assert [part.first.tolist() for part in one_by_one] == [
        part.first.tolist() for part in by_threads
    ]

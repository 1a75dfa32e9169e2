"""Bulk writes: existing documents stay, concurrent changes stay, and nothing is lost."""

import mongoengine
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import BulkWriteError

from storage.mongo import (
    CHUNK,
    bulk_delete,
    bulk_delete_same,
    bulk_insert,
    bulk_replace,
    bulk_set,
    bulk_upsert,
)
from tests.storage.things import Thing

pytestmark = pytest.mark.services

SAME = ("number",)  # plays the version
MANY = CHUNK + 3
NUMBERS = st.dictionaries(st.integers(0, 9), st.integers(1, 3), max_size=8)

on_the_store = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def thing(index, number=1, **fields):
    return Thing(id=f"t{index:05d}", number=number, place=f"p/{index:05d}", **fields)


def some(count, **fields):
    return [thing(index, **fields) for index in range(count)]


def numbers(things):
    return {int(one["_id"][1:]): one["number"] for one in things.find({})}


def put(things, stored):
    """Replace the stored documents: numbers by index."""
    things.delete_many({"_id": {"$in": [f"t{index:05d}" for index in range(10)]}})
    bulk_insert(Thing, [thing(index, number) for index, number in stored.items()])


@pytest.mark.parametrize(
    ("write", "answer"),
    [
        (lambda none: bulk_upsert(Thing, none), None),
        (lambda none: bulk_insert(Thing, none), set()),
        (lambda none: bulk_replace(Thing, none, SAME), 0),
        (lambda none: bulk_set(Thing, none), 0),
        (lambda none: bulk_delete(Thing, none), None),
        (lambda none: bulk_delete_same(Thing, none, SAME), 0),
    ],
)
def test_nothing_to_write_is_nothing(things, write, answer):
    bulk_insert(Thing, some(2))

    assert write([]) == answer
    assert write(iter(())) == answer
    assert numbers(things) == {0: 1, 1: 1}


def test_more_than_a_batch_is_inserted_and_what_was_there_is_named(things):
    there = [thing(0, 9), thing(CHUNK - 1, 9), thing(CHUNK, 9), thing(MANY - 1, 9)]
    assert bulk_insert(Thing, there) == set()

    known = bulk_insert(Thing, iter(some(MANY)))

    assert known == {one.id for one in there}
    found = numbers(things)
    assert len(found) == MANY
    assert {index for index, number in found.items() if number == 9} == {
        *(0, CHUNK - 1, CHUNK, MANY - 1)
    }


def test_a_document_given_twice_is_inserted_once(things):
    assert bulk_insert(Thing, [thing(0, 1), thing(0, 2), thing(1)]) == {"t00000"}
    assert numbers(things) == {0: 1, 1: 1}


def test_inserting_again_changes_nothing(things):
    bulk_insert(Thing, some(3))

    assert bulk_insert(Thing, some(3, words=["other"])) == {"t00000", "t00001", "t00002"}
    assert all(one["words"] == [] for one in things.find({}))


def test_an_invalid_document_stops_a_batch_before_any_of_it_is_written(things):
    wrong = [thing(0), thing(1, "no number")]

    for write in (
        lambda: bulk_insert(Thing, wrong),
        lambda: bulk_upsert(Thing, wrong),
        lambda: bulk_replace(Thing, wrong, SAME),
        lambda: bulk_delete_same(Thing, wrong, SAME),
    ):
        with pytest.raises(mongoengine.ValidationError):
            write()
        assert numbers(things) == {}


def test_a_failure_that_is_no_duplicate_is_not_taken_for_one(things, monkeypatch):
    def full(*_, **__):
        raise BulkWriteError({"writeErrors": [{"index": 0, "code": 11000}, {"code": 14031}]})

    monkeypatch.setattr("pymongo.collection.Collection.bulk_write", full)

    with pytest.raises(BulkWriteError):
        bulk_insert(Thing, some(2))


def test_more_than_a_batch_is_replaced_where_it_is_the_same(things):
    bulk_insert(Thing, some(MANY, number=4))
    moved = [0, CHUNK - 1, CHUNK]
    bulk_upsert(Thing, [thing(index, 8) for index in moved])

    replaced = bulk_replace(Thing, iter(some(MANY, number=4, words=["new"])), SAME)

    assert replaced == MANY - len(moved)
    for one in things.find({}):
        index = int(one["_id"][1:])
        assert (one["number"], one["words"]) == ((8, []) if index in moved else (5, ["new"]))


def test_replacing_needs_every_field_to_be_the_same_and_the_version_goes_up(things):
    bulk_insert(Thing, [thing(0, 1, group="a"), thing(1, 1, group="b"), thing(2, 2, group="a")])

    written = [thing(index, 1, group="a", words=["new"]) for index in range(4)]

    assert bulk_replace(Thing, written, ("group", "number")) == 1
    found = {one["_id"]: (one["number"], one["words"]) for one in things.find({})}
    assert found == {"t00000": (2, ["new"]), "t00001": (1, []), "t00002": (2, [])}
    assert written[0].number == 1  # what was given stays as it was


def test_a_document_replaced_twice_at_once_is_replaced_once(things):
    bulk_insert(Thing, some(1))

    first, second = thing(0, 1, words=["first"]), thing(0, 1, words=["second"])

    assert bulk_replace(Thing, [first, second], SAME) == 1
    assert things.find_one({"_id": "t00000"})["number"] == 2


def test_replacing_leaves_out_what_the_new_document_does_not_have(things):
    bulk_insert(Thing, [thing(0, 1, group="a", spot=None, facts={"x": 1})])

    bulk_replace(Thing, [thing(0, 1)], SAME)

    stored = things.find_one({"_id": "t00000"})
    assert "group" not in stored
    assert stored.get("facts", {}) == {}


def test_more_than_a_batch_is_set_where_it_is_as_told(things):
    bulk_insert(Thing, some(MANY))
    bulk_upsert(Thing, [thing(CHUNK, 2)])

    matched = bulk_set(
        Thing, ((f"t{index:05d}", {"number": 1}, {"group": "g"}) for index in range(MANY + 5))
    )

    assert matched == MANY - 1
    others = [one["_id"] for one in things.find({}) if one.get("group") != "g"]
    assert others == [f"t{CHUNK:05d}"]


def test_more_than_a_batch_is_deleted_and_what_is_gone_does_not_matter(things):
    bulk_insert(Thing, some(MANY))

    bulk_delete(Thing, (f"t{index:05d}" for index in [*range(1, MANY), *range(3), 99_999]))

    assert numbers(things) == {}


def test_ids_given_twice_are_deleted_once_and_others_stay(things):
    bulk_insert(Thing, some(4))

    bulk_delete(Thing, ["t00001", "t00001", "t00003"])

    assert sorted(numbers(things)) == [0, 2]


def test_more_than_a_batch_is_deleted_where_it_is_the_same(things):
    bulk_insert(Thing, some(MANY))
    bulk_upsert(Thing, [thing(1, 7), thing(MANY - 1, 7)])

    assert bulk_delete_same(Thing, iter(some(MANY + 2)), SAME) == MANY - 2
    assert numbers(things) == {1: 7, MANY - 1: 7}


def test_deleting_needs_every_field_to_be_the_same(things):
    bulk_insert(Thing, [thing(0, 1, group="a"), thing(1, 1, group="b"), thing(2, 2, group="a")])

    gone = bulk_delete_same(
        Thing, [thing(index, 1, group="a") for index in range(4)], ("number", "group")
    )

    assert gone == 1
    assert sorted(numbers(things)) == [1, 2]


def test_a_document_deleted_twice_at_once_counts_once(things):
    bulk_insert(Thing, some(2))

    assert bulk_delete_same(Thing, [thing(0), thing(0)], SAME) == 1
    assert sorted(numbers(things)) == [1]


@on_the_store
@given(stored=NUMBERS, given_=NUMBERS)
def test_inserting_keeps_what_is_there_and_adds_the_rest(things, stored, given_):
    put(things, stored)

    known = bulk_insert(Thing, [thing(index, number) for index, number in given_.items()])

    assert known == {f"t{index:05d}" for index in stored.keys() & given_.keys()}
    assert numbers(things) == given_ | stored


@on_the_store
@given(stored=NUMBERS, given_=NUMBERS)
def test_replacing_and_deleting_touch_exactly_what_is_the_same(things, stored, given_):
    put(things, stored)
    documents = [thing(index, number) for index, number in given_.items()]
    same = {index for index, number in given_.items() if stored.get(index) == number}

    assert bulk_replace(Thing, documents, SAME) == len(same)
    assert numbers(things) == {index: number + (index in same) for index, number in stored.items()}

    put(things, stored)
    assert bulk_delete_same(Thing, documents, SAME) == len(same)
    assert numbers(things).keys() == stored.keys() - same

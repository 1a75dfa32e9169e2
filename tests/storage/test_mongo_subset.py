"""The part of MongoDB that the product relies on, pinned on every store that can run here.

The embedded store answers other things wrongly without saying so. What is used and not pinned
here is used at one's own risk. Found while writing it, on nx-27017 0.8.1: a replacement with upsert
has to carry its `_id`; filters compare datetimes to the second only; a datetime that an update sets
comes back as text, a boolean as 0 or 1.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pymongo
import pymongo.errors
import pytest
from pymongo import ReplaceOne, ReturnDocument, UpdateOne

from tests.storage.things import fill

pytestmark = pytest.mark.services


def test_bulk_replacing_and_updating_with_upsert(things):
    for _ in range(2):
        things.bulk_write(
            [
                ReplaceOne({"_id": "a"}, {"_id": "a", "number": 1}, upsert=True),
                UpdateOne({"_id": "b"}, {"$set": {"number": 2}}, upsert=True),
            ],
            ordered=False,
        )

    assert {one["_id"]: one["number"] for one in things.find()} == {"a": 1, "b": 2}


def test_a_replacement_leaves_nothing_of_the_former(things):
    things.insert_one({"_id": "a", "number": 1, "group": "g"})

    things.replace_one({"_id": "a"}, {"number": 2})

    assert things.find_one({"_id": "a"}) == {"_id": "a", "number": 2}


def test_compare_and_set(things):
    things.insert_one({"_id": "a", "number": 1, "flag": False})
    claim = {"$set": {"flag": True}, "$inc": {"number": 1}}

    first = things.find_one_and_update(
        {"_id": "a", "flag": False}, claim, return_document=ReturnDocument.AFTER
    )
    second = things.find_one_and_update({"_id": "a", "flag": False}, claim)

    assert first == {"_id": "a", "number": 2, "flag": True}
    assert second is None


def test_every_document_is_claimed_exactly_once(things):
    fill(60, group="free")

    def claim_all(worker):
        mine = []
        while True:
            found = things.find_one_and_update(
                {"group": "free"}, {"$set": {"group": f"worker-{worker}"}}
            )
            if found is None:
                return mine
            mine.append(found["_id"])

    with ThreadPoolExecutor(8) as threads:
        claimed = [one for mine in threads.map(claim_all, range(8)) for one in mine]

    assert sorted(claimed) == [f"t{index:05d}" for index in range(60)]


def test_a_claim_by_a_lease_in_milliseconds(things):
    now = 1_767_323_045_678
    things.insert_one({"_id": "a", "until": now})

    for expected, filter_ in [
        (False, {"$lt": now}),
        (True, {"$lte": now}),
        (False, {"$gt": now}),
        (True, {"$gte": now}),
        (True, {"$lt": now + 1}),
        (True, {"$gt": now - 1}),
    ]:
        found = things.find_one_and_update({"_id": "a", "until": filter_}, {"$inc": {"n": 1}})
        assert bool(found) is expected


def test_a_time_that_an_update_sets_comes_back_as_itself_or_as_its_text(things):
    when = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    things.insert_one({"_id": "a", "at": when})
    assert things.find_one()["at"] == when

    things.update_one({"_id": "a"}, {"$set": {"at": when}})

    found = things.find_one()["at"]
    if isinstance(found, str):
        found = datetime.fromisoformat(found).replace(tzinfo=UTC)
    assert found == when


@pytest.mark.parametrize("stored", [True, False])
def test_a_claim_is_found_however_it_was_written(things, stored):
    things.insert_one({"_id": "inserted", "flag": stored})
    things.insert_one({"_id": "updated", "flag": not stored})
    things.update_one({"_id": "updated"}, {"$set": {"flag": stored}})

    found = list(things.find({"flag": stored}))

    assert {one["_id"] for one in found} == {"inserted", "updated"}
    assert {bool(one["flag"]) for one in found} == {stored}
    assert list(things.find({"flag": not stored})) == []


def test_increments_of_many_threads_add_up(things):
    things.insert_one({"_id": "a", "number": 0})

    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(
                lambda _: things.update_one({"_id": "a"}, {"$inc": {"number": 1}}), range(80)
            )
        )

    assert things.find_one({"_id": "a"})["number"] == 80


def test_in_on_the_id(things):
    fill(300)

    assert {one["_id"] for one in things.find({"_id": {"$in": ["t00003", "t00250", "no"]}})} == {
        "t00003",
        "t00250",
    }
    assert (
        len(list(things.find({"_id": {"$in": [f"t{index:05d}" for index in range(250)]}}))) == 250
    )
    assert list(things.find({"_id": {"$in": []}})) == []


def test_equality_and_range_of_an_indexed_field_in_its_order(things):
    fill(50, group="g")

    page = list(
        things.find({"place": {"$gte": "p/00010", "$lt": "p/00030"}}).sort("place").limit(5)
    )
    back = list(things.find({"place": {"$lt": "p/00010"}}).sort("place", -1).limit(2))

    assert [one["_id"] for one in page] == [f"t{index:05d}" for index in range(10, 15)]
    assert [one["_id"] for one in back] == ["t00009", "t00008"]
    assert len(list(things.find({"group": "g"}))) == 50
    assert len(list(things.find({"number": {"$gt": 44}}).sort("number"))) == 5


def test_text_sorts_by_code_point(things):
    names = ["B", "a", "a-b", "a/b", "a0", "ü", "日", "😀"]
    things.insert_many([{"_id": str(i), "place": name} for i, name in enumerate(names)])

    assert [one["place"] for one in things.find().sort("place")] == sorted(names)


def test_projection_of_flat_fields(things):
    fill(3, group="g", words=["x"])

    assert things.find_one({"_id": "t00001"}, ["number"]) == {"_id": "t00001", "number": 1}
    assert things.find_one({"_id": "t00001"}, {"number": 1, "_id": 0}) == {"number": 1}
    assert "words" not in things.find_one({"_id": "t00001"}, {"words": 0})


def test_a_duplicate_id_is_an_error(things):
    things.insert_one({"_id": "a"})

    with pytest.raises(pymongo.errors.DuplicateKeyError):
        things.insert_one({"_id": "a"})
    with pytest.raises(pymongo.errors.BulkWriteError):
        things.insert_many([{"_id": "b"}, {"_id": "a"}])
    assert things.find_one({"_id": "b"})


def test_a_unique_index_is_kept_and_sparse(things):
    things.insert_many([{"_id": "a", "name": "n"}, {"_id": "b"}, {"_id": "c"}])

    with pytest.raises(pymongo.errors.DuplicateKeyError):
        things.insert_one({"_id": "d", "name": "n"})
    with pytest.raises(pymongo.errors.DuplicateKeyError):
        things.update_one({"_id": "b"}, {"$set": {"name": "n"}})


def test_one_of_many_threads_inserts(things):
    def insert(number):
        try:
            things.insert_one({"_id": "a", "number": number})
        except pymongo.errors.DuplicateKeyError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(insert, range(16))) == 1


def test_deleting_many_by_an_indexed_field(things):
    fill(20, group="g")
    things.insert_one({"_id": "other", "group": "h"})

    assert things.delete_many({"group": "g"}).deleted_count == 20
    assert [one["_id"] for one in things.find()] == ["other"]


def test_updating_many_says_how_many(things):
    fill(5, group="g")

    answer = things.update_many({"group": "g"}, {"$set": {"flag": True}})

    assert (answer.matched_count, answer.modified_count) == (5, 5)


def test_unset_takes_a_field_away(things):
    things.insert_one({"_id": "a", "number": 1, "group": "g"})

    things.update_one({"_id": "a"}, {"$unset": {"number": ""}})

    assert things.find_one() == {"_id": "a", "group": "g"}


def test_lists_of_words(things):
    things.insert_one({"_id": "a", "words": ["x", "y"]})

    things.update_one({"_id": "a"}, {"$addToSet": {"words": "x"}})
    things.update_one({"_id": "a"}, {"$addToSet": {"words": "z"}})
    things.update_one({"_id": "a"}, {"$pull": {"words": "y"}})
    assert things.find_one()["words"] == ["x", "z"]
    things.update_one({"_id": "a"}, {"$set": {"words": ["q"]}})
    assert things.find_one()["words"] == ["q"]


def test_null_and_absent_match_none(things):
    things.insert_many([{"_id": "a", "group": None}, {"_id": "b"}, {"_id": "c", "group": "g"}])

    assert {one["_id"] for one in things.find({"group": None})} == {"a", "b"}

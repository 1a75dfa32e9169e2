"""The part of MongoDB that the product relies on, pinned on every store that can run here.

The embedded store answers other things wrongly without saying so. What is used and not pinned
here is used at one's own risk. Found while writing it, on nx-27017 0.8.1: a replacement with upsert
has to carry its `_id`; filters compare datetimes to the second only; a datetime that an update sets
comes back as text, a boolean as 0 or 1.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import mongoengine as me
import numpy as np
import pymongo
import pymongo.errors
import pytest
from pymongo import ReplaceOne, ReturnDocument, UpdateOne

from storage.mongo import bulk_delete, bulk_upsert, iter_fields

pytestmark = pytest.mark.services


class Spot(me.EmbeddedDocument):
    """A part of a document, written and read whole."""

    x = me.FloatField()
    note = me.StringField()


class Thing(me.Document):
    """Every kind of field that our documents have."""

    id = me.StringField(primary_key=True)
    group = me.StringField()
    place = me.StringField()
    name = me.StringField(unique=True, sparse=True)
    number = me.IntField()
    share = me.FloatField()
    flag = me.BooleanField(default=False)
    at = me.DateTimeField()
    binary = me.BinaryField()
    words = me.ListField(me.StringField())
    box = me.ListField(me.FloatField())
    spot = me.EmbeddedDocumentField(Spot)
    spots = me.ListField(me.EmbeddedDocumentField(Spot))
    facts = me.DictField()
    counts = me.MapField(me.IntField())

    meta = {"indexes": ["group", "place", "number", "at"]}  # noqa: RUF012  # mongoengine's way


@pytest.fixture
def things(mongodb):
    """The driver's view of an empty collection with its indexes."""
    Thing.ensure_indexes()
    return Thing._get_collection()


def fill(count, **fields):
    bulk_upsert(
        Thing,
        [
            Thing(id=f"t{index:05d}", number=index, place=f"p/{index:05d}", **fields)
            for index in range(count)
        ],
    )


# Through the driver


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


# Through mongoengine


def test_every_kind_of_field_comes_back_as_it_went_in(things):
    vector = np.arange(512, dtype=np.float32).tobytes()
    when = datetime(2026, 7, 8, 9, 10, 11, 123000, tzinfo=timezone(timedelta(hours=2)))
    thing = Thing(
        id="a",
        group="ünï\n'\"$.kød",
        number=2**40,
        share=0.1,
        flag=True,
        at=when,
        binary=vector + b"\0\xff",
        words=["", "b", "ü"],
        box=[1.5, -2.25, 0.0, 1e-9],
        spot=Spot(x=0.5, note="n"),
        spots=[Spot(x=float(index), note=str(index)) for index in range(100)],
        facts={"nested": {"deep": [1, 2.5, None, True, "x"]}, "empty": {}},
        counts={"too_small": 3},
    )

    thing.save()
    found = Thing.objects.get(id="a")

    assert found == thing
    assert found.to_mongo() == thing.to_mongo() | {"at": found.at}
    assert found.at == when
    assert found.at.utcoffset() == timedelta(0)
    assert found.at.microsecond == 123000
    assert bytes(found.binary) == vector + b"\0\xff"
    assert found.facts == {"nested": {"deep": [1, 2.5, None, True, "x"]}, "empty": {}}
    assert [spot.note for spot in found.spots] == [str(index) for index in range(100)]


def test_embedded_documents_and_dicts_are_replaced_whole(things):
    Thing(id="a", spot=Spot(x=1), spots=[Spot(x=1)], facts={"a": 1}, counts={"a": 1}).save()

    Thing.objects(id="a").update_one(
        set__spot=Spot(x=2, note="n"),
        set__spots=[Spot(x=3), Spot(x=4)],
        set__facts={"b": {"c": 2}},
        set__counts={"b": 2},
    )

    found = Thing.objects.get(id="a")
    assert (found.spot.x, found.spot.note) == (2, "n")
    assert [spot.x for spot in found.spots] == [3, 4]
    assert found.facts == {"b": {"c": 2}}
    assert found.counts == {"b": 2}


def test_modify_compares_and_sets(things):
    Thing(id="a", number=1, group="free").save()

    first = Thing.objects(id="a", number=1).modify(inc__number=1, set__group="mine", new=True)
    second = Thing.objects(id="a", number=1).modify(inc__number=1, new=True)
    thing = Thing.objects.get(id="a")

    assert (first.number, first.group) == (2, "mine")
    assert second is None
    assert thing.modify({"number": 2}, set__group="again")
    assert not thing.modify({"number": 7}, set__group="never")
    assert Thing.objects.get(id="a").group == "again"


def test_update_with_upsert_makes_or_changes(things):
    for number in (1, 2):
        Thing.objects(id="a").update_one(upsert=True, set__number=number, set_on_insert__group="g")

    assert [(thing.number, thing.group) for thing in Thing.objects] == [(2, "g")]


def test_saving_a_new_document_by_force_refuses_an_old_id(things):
    Thing(id="a").save(force_insert=True)

    with pytest.raises(me.NotUniqueError):
        Thing(id="a").save(force_insert=True)


def test_saving_changes_writes_only_those(things):
    Thing(id="a", number=1, group="g").save()
    mine, other = Thing.objects.get(id="a"), Thing.objects.get(id="a")

    other.number = 5
    other.save()
    mine.group = "h"
    mine.save()

    assert Thing.objects.get(id="a").number == 5
    assert Thing.objects.get(id="a").group == "h"


def test_order_limit_only_and_first(things):
    fill(20, group="g")

    page = Thing.objects(place__gt="p/00004").order_by("place").limit(3).only("number")
    last = Thing.objects(group="g").order_by("-number").first()

    assert [(thing.id, thing.number, thing.group) for thing in page] == [
        ("t00005", 5, None),
        ("t00006", 6, None),
        ("t00007", 7, None),
    ]
    assert last.id == "t00019"
    assert Thing.objects(group="none").first() is None


def test_in_bulk_and_id_in(things):
    fill(10)

    assert set(Thing.objects.in_bulk(["t00001", "t00002", "no"])) == {"t00001", "t00002"}
    assert {thing.id for thing in Thing.objects(id__in=["t00003", "no"])} == {"t00003"}


def test_raw_filters(things):
    fill(10)

    assert Thing.objects(__raw__={"number": {"$gte": 3, "$lt": 5}}).order_by(
        "number"
    ).first().id == ("t00003")
    Thing.objects(__raw__={"_id": "t00003", "number": 3}).update_one(
        __raw__={"$set": {"flag": True}}
    )
    assert Thing.objects.get(id="t00003").flag


def test_ten_thousand_documents_are_read_in_batches(things):
    fill(10_000, group="g")

    seen = [thing.id for thing in Thing.objects(group="g").only("id").batch_size(1000)]
    plain = {one["_id"]: one["number"] for one in iter_fields(Thing, {"group": "g"}, ["number"])}

    assert len(seen) == len(set(seen)) == 10_000
    assert len(plain) == 10_000
    assert plain["t09999"] == 9999


def test_counting_is_exact(things):
    fill(30, group="g")

    assert Thing.objects(group="g").count() == 30
    assert things.estimated_document_count() == 30
    assert Thing.objects(number__lt=7).count() == 7


def test_unique_fields_are_refused_by_name(things):
    Thing(id="a", name="n").save()

    with pytest.raises(me.NotUniqueError):
        Thing(id="b", name="n").save()


def test_deleting_a_set_says_how_many(things):
    fill(7, group="g")

    assert Thing.objects(group="g").delete() == 7
    assert Thing.objects(group="g").delete() == 0


def test_two_databases_do_not_mix(things, settings):
    things.insert_one({"_id": "a"})
    other = things.database.client[f"{settings.DATABASE_NAME}_other"]

    assert other["thing"].find_one() is None
    other["thing"].insert_one({"_id": "b"})
    assert [one["_id"] for one in things.find()] == ["a"]
    things.database.client.drop_database(other.name)
    assert things.find_one({"_id": "a"})


# Our own bulk writing


def test_bulk_upsert_may_be_repeated(things):
    for _ in range(2):
        fill(1200, group="g")
    bulk_upsert(Thing, [Thing(id="t00000", group="h")])

    assert Thing.objects(group="g").count() == 1199
    assert Thing.objects.get(id="t00000").number is None


def test_bulk_upsert_validates_and_names_what_is_not_unique(things):
    Thing(id="a", name="n").save()

    with pytest.raises(me.NotUniqueError):
        bulk_upsert(Thing, [Thing(id="b", name="n")])
    with pytest.raises(me.ValidationError):
        bulk_upsert(Thing, [Thing(id="c", number="many")])
    bulk_upsert(Thing, [])


def test_bulk_upserts_of_many_threads_lose_nothing(things):
    start = threading.Barrier(4)

    def write(worker):
        start.wait()
        bulk_upsert(Thing, [Thing(id=f"{worker}-{index}") for index in range(250)])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    assert Thing.objects.count() == 1000


def test_bulk_delete_takes_any_number_of_ids(things):
    fill(1200)

    for _ in range(2):
        bulk_delete(Thing, [f"t{index:05d}" for index in range(1100)])

    assert Thing.objects.count() == 100

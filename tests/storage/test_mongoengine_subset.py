"""The part of mongoengine that the product relies on, and our own bulk writing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import mongoengine as me
import numpy as np
import pytest

from storage.mongo import bulk_delete, bulk_upsert, iter_fields
from tests.storage.things import Spot, Thing, fill

pytestmark = pytest.mark.services


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


def test_an_empty_list_that_was_not_stored_is_read_as_an_empty_list(mongodb):
    bulk_upsert(
        Thing, [Thing(id="empty", group="lists"), Thing(id="full", group="lists", words=["a"])]
    )

    read = {one["_id"]: one for one in iter_fields(Thing, {"group": "lists"}, ["words", "number"])}

    assert read == {"empty": {"_id": "empty", "words": []}, "full": {"_id": "full", "words": ["a"]}}

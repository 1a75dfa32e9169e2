"""A document with every kind of field that ours have."""

import mongoengine as me

from storage.mongo import bulk_upsert


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


def fill(count, **fields):
    bulk_upsert(
        Thing,
        [
            Thing(id=f"t{index:05d}", number=index, place=f"p/{index:05d}", **fields)
            for index in range(count)
        ],
    )

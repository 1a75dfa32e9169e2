"""Every document with binary fields can be overwritten with other bytes by every write path."""

import importlib
from pathlib import Path

import mongoengine
import pytest
from mongoengine import fields as kinds

from storage.fields import TimestampField
from storage.mongo import bulk_replace, bulk_upsert
from tests.storage.things import Spot, Thing

pytestmark = pytest.mark.services

CHECKOUT = Path(__file__).parents[2]
FIRST, SECOND = bytes(range(256)), bytes(range(255, -1, -1)) * 2
MOMENT = "2026-05-01T12:00:00.000Z"
EXAMPLES = {
    kinds.StringField: "text",
    kinds.IntField: 3,
    kinds.LongField: 3,
    kinds.FloatField: 0.5,
    kinds.BooleanField: True,
    TimestampField: TimestampField().to_python(MOMENT),
}


def with_bytes():
    """Return all document classes with a binary field."""
    for path in CHECKOUT.glob("[a-z]*/**/*.py"):
        if "tests" not in path.parts and "(Document)" in path.read_text():
            importlib.import_module(".".join(path.relative_to(CHECKOUT).with_suffix("").parts))
    return sorted(filter(binaries, subclasses(mongoengine.Document)), key=lambda one: one.__name__)


def subclasses(kind):
    for one in kind.__subclasses__():
        yield one
        yield from subclasses(one)


def binaries(kind):
    fields = getattr(kind, "_fields", {})
    return [name for name, field in fields.items() if isinstance(field, kinds.BinaryField)]


KINDS = pytest.mark.parametrize("kind", with_bytes(), ids=lambda kind: kind.__name__)


def example(kind, content):
    """Return a valid document with the content in all its binary fields."""
    values = {
        name: EXAMPLES[type(field)]
        for name, field in kind._fields.items()
        if field.required and type(field) in EXAMPLES
    }
    values |= dict.fromkeys(binaries(kind), content)
    return kind(**{**values, kind._meta["id_field"]: "an-id"})


def stored(kind):
    return kind.objects.get(pk="an-id")


def is_same(kind, content):
    document = stored(kind)
    return all(bytes(document[name]) == content for name in binaries(kind))


def test_the_product_has_documents_with_bytes():
    assert {"DecidedFace", "Profile", "ReferencePhoto"} <= {one.__name__ for one in with_bytes()}


@KINDS
def test_second_bulk_write_replaces_bytes(mongodb, kind):
    for content in (FIRST, SECOND, SECOND, FIRST):
        bulk_upsert(kind, [example(kind, content)])

        assert is_same(kind, content)
        assert stored(kind) == example(kind, content)


@KINDS
def test_second_save_replaces_bytes(mongodb, kind):
    example(kind, FIRST).save()

    document = stored(kind)
    for name in binaries(kind):
        document[name] = SECOND
    document.save()
    assert is_same(kind, SECOND)

    kind.objects(pk="an-id").update_one(**{f"set__{name}": FIRST for name in binaries(kind)})
    assert is_same(kind, FIRST)


def test_replaced_document_has_no_old_fields(things):
    full = {"spot": Spot(x=1.0), "facts": {"a": 1, "b": 2}, "words": ["x", "y"], "group": "g"}
    bulk_upsert(Thing, [Thing(id="a", binary=FIRST, number=1, name="n", **full)])

    bulk_upsert(Thing, [Thing(id="a", binary=SECOND, number=2, facts={"c": 3}, flag=True)])
    found = Thing.objects.get(id="a")
    assert (found.number, found.name, found.group, found.spot) == (2, None, None, None)
    assert (found.facts, found.words, found.flag) == ({"c": 3}, [], True)
    assert bytes(found.binary) == SECOND

    assert bulk_replace(Thing, [Thing(id="a", binary=FIRST, number=9)], ("number",)) == 0
    assert bulk_replace(Thing, [Thing(id="a", binary=FIRST, number=2)], ("number",)) == 1
    found = Thing.objects.get(id="a")
    assert (found.number, found.facts, bytes(found.binary)) == (3, {}, FIRST)


def test_documents_with_and_without_bytes_are_written_together(things):
    for content in (FIRST, SECOND):
        bulk_upsert(Thing, [Thing(id="a", binary=content), Thing(id="b", number=1)])

    assert bytes(Thing.objects.get(id="a").binary) == SECOND
    bulk_upsert(Thing, [Thing(id="a", number=4)])
    assert Thing.objects.get(id="a").binary is None

"""Answers are rendered from documents, dataclasses and mappings by their fields."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from web.output import Answer, FirstField, LengthField, Output, RoundedField, TimeField


class Colour(StrEnum):
    RED = "red"


@dataclass
class Part:
    name: str
    weight: float = 0.0


@dataclass
class Whole:
    part: Part
    parts: list
    by_name: dict
    colour: Colour = Colour.RED
    at: datetime = datetime(2026, 5, 1, 9, 30, 1, 234_567, tzinfo=UTC)
    end: datetime | None = None
    note: str | None = None


class PartOutput(Output):
    name = serializers.CharField()
    weight = RoundedField()


class WholeOutput(Output):
    first = PartOutput(source="part")
    title = serializers.CharField(source="part.name")
    parts = PartOutput(many=True)
    count = LengthField(source="parts")
    by_name = serializers.DictField(child=PartOutput())
    names = FirstField(source="by_name", help_text="Names.")
    colour = serializers.CharField()
    at = TimeField()
    end = TimeField(allow_null=True)
    note = serializers.CharField(required=False)
    missing = serializers.CharField(required=False)
    loud = serializers.CharField()
    itself = PartOutput(source="*", required=False)

    def get_loud(self, whole):
        return whole.part.name.upper()


ADA, BOB = Part("ada", 0.123456789), Part("bob")
WHOLE = Whole(part=ADA, parts=[ADA, BOB], by_name={"b": BOB, "a": ADA})
RENDERED_ADA = {"name": "ada", "weight": 0.123457}
RENDERED_BOB = {"name": "bob", "weight": 0.0}


class TestRender:
    def answer(self, **values):
        return WholeOutput.render(WHOLE, itself=ADA, **values)

    def test_every_kind_of_field(self):
        assert self.answer() == {
            "first": RENDERED_ADA,
            "title": "ada",
            "parts": [RENDERED_ADA, RENDERED_BOB],
            "count": 2,
            "by_name": {"b": RENDERED_BOB, "a": RENDERED_ADA},
            "names": ["a", "b"],
            "colour": "red",
            "at": "2026-05-01T09:30:01.234Z",
            "end": None,
            "loud": "ADA",
            "itself": RENDERED_ADA,
        }

    def test_an_optional_field_is_shown_when_it_has_a_value(self):
        assert self.answer(note="x")["note"] == "x"
        assert "note" not in self.answer()

    def test_values_take_the_place_of_the_instance_and_are_rendered_too(self):
        assert self.answer(first=BOB, end=WHOLE.at)["first"] == RENDERED_BOB
        assert self.answer(end=WHOLE.at)["end"] == "2026-05-01T09:30:01.234Z"

    def test_it_is_json_with_plain_types(self):
        text = json.dumps(self.answer())

        assert json.loads(text) == self.answer()
        assert type(self.answer()["colour"]) is str


def test_an_answer_passes_unchanged():
    ready = PartOutput.render(ADA)

    assert isinstance(ready, Answer)
    assert PartOutput.render(ready) is ready


def test_a_mapping_is_read_by_key():
    assert PartOutput.render({"name": "ada", "weight": 0.5}) == {"name": "ada", "weight": 0.5}
    with pytest.raises(KeyError):
        PartOutput.render({"name": "ada"})


def test_a_missing_attribute_of_a_required_field_is_an_error():
    with pytest.raises(AttributeError):
        PartOutput.render(object())


@given(st.lists(st.text(), max_size=1200))
def test_the_first_thousand_are_listed(names):
    class NamesOutput(Output):
        names = FirstField(help_text="Names.")

    assert NamesOutput.render({"names": names})["names"] == names[:1000]


@given(st.builds(Part, name=st.text(), weight=st.floats(allow_nan=False, allow_infinity=False)))
def test_the_serializer_would_answer_the_same(part):
    class PlainOutput(Output):
        name = serializers.CharField()
        weight = serializers.FloatField()

    assert PlainOutput.render(part) == PlainOutput(part).data

"""Cursors are opaque, and checked when they come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.pagination import BadCursor, decode_cursor, encode_cursor


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_a_cursor_comes_back_as_the_place_it_was_made_of(place):
    assert decode_cursor(encode_cursor(f"run/{place}"), within="run/") == f"run/{place}"


def test_no_cursor_is_the_beginning():
    assert decode_cursor(None, within="run/") == ""
    assert decode_cursor("", within="run/") == ""


@pytest.mark.parametrize("nonsense", ["é", "a", "%%%", "////", "\x00", "w6k" * 999])
def test_nonsense_is_refused(nonsense):
    with pytest.raises(BadCursor):
        decode_cursor(nonsense, within="run/")


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor("other/place"), within="run/")


def test_a_cursor_is_fit_for_an_address():
    assert set(encode_cursor("run/ÿÿÿ???>>>")) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )

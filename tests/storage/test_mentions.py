"""A person's id is found where it stands by itself or names a file, and masked in bytes."""

import pytest

from storage.mentions import masked, mentions_id, mentions_word


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("ada has a profile already.", True),
        ("This is ada.", True),
        ("faces/ada/1.jpg", True),
        ("ada.zip", True),
        ('{"source": "ada.ZIP"}', True),
        ("ada.tar", False),
        ("ada.b", False),
        ("ada.zip2", False),
        ("ada@home", False),
        ("x.ada", False),
        ("ada_2, adab and Ada", False),
    ],
)
def test_id_is_found_as_a_token_or_file_name(text, is_named):
    assert mentions_id(text, "ada") is is_named


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("Ada-2.zip", True),
        ("photos_of_ada (1).jpg", True),
        ("adam/1.jpg", False),
        ("\u00e9ada", False),
        ("ada2.jpg", False),
        ("", False),
    ],
)
def test_word_is_found_between_non_letters(text, is_named):
    assert mentions_word(text, ["", "ada"]) is is_named


def test_regular_expression_syntax_is_matched_literally():
    assert mentions_word("a.b", ["a.b"])
    assert not mentions_word("axb", ["a.b"])


def test_masking_keeps_the_length():
    assert masked(b"GET /ada/ adam Ada", ["ada"]) == b"GET /***/ adam Ada"

"""What may be the name of a bucket and of a collection."""

import pytest

from storage.errors import InvalidName
from storage.names import CollectionName


@pytest.mark.parametrize(
    "path",
    [
        "photos/a",
        "photos/2024/Summer-trip_1.v2",
        "My.Bucket-1/ünï kød/日本",
        "b/..x",
        "b/a..b",
        "b/" + "x" * 1023,
    ],
)
def test_a_collection_is_read_and_written_back(path):
    name = CollectionName.parse(path)

    assert name.path == str(name) == path
    assert name.prefix == f"{name.sub}/"


def test_a_slash_at_the_end_does_not_count():
    assert CollectionName.parse("b/a/") == CollectionName("b", "a")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "b", "b/", "/b/a", "b//a", "b/a//", "b/a//c", "b/..", "b/../a", "b/a/..", "b/."),
        *("../a/b", "./a", "b c/a", ".b/a", "-b/a", "b..c/a", "ünï/a", "b\n/a", "x" * 64 + "/a"),
        *("b/a\0", "b/a\nc", "b/a\\c", "b/\x1b[31m", "b/\x7f", "b/\ud800", "b/" + "ü" * 512),
    ],
)
def test_an_odd_name_is_refused_with_a_sentence(path):
    with pytest.raises(InvalidName) as refusal:
        CollectionName.parse(path)

    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert sentence.isprintable()
    sentence.encode()


def test_a_collection_cannot_be_made_past_the_check():
    with pytest.raises(InvalidName):
        CollectionName("b", "../c")

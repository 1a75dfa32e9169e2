"""The names of what is stored, held against what the embedded document store does with them."""

from mongoengine import Document

import faceadmin.urls  # noqa: F401 - brings in every document there is


def test_no_collection_looks_like_a_part_of_gridfs():
    """nx-27017 answers that it has updated a document of "…_files", and has not."""
    names = [one._get_collection_name() for one in Document.__subclasses__()]

    assert len(names) >= 13
    assert not [one for one in names if one and one.endswith(("files", "chunks"))]

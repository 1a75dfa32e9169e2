"""Names of stored collections, checked against the limits of the embedded document store."""

from mongoengine import Document

import faceadmin.urls  # noqa: F401 - brings in every document there is


def test_no_collection_looks_like_a_part_of_gridfs():
    """nx-27017 answers that it has updated a document of "…_files", and has not."""
    names = [one._get_collection_name() for one in Document.__subclasses__()]

    assert len(names) >= 13
    assert not [one for one in names if one and one.endswith(("_files", "_chunks"))]

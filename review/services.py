"""Use cases of the reviewer: search by photo, threshold of likely suggestions."""

from __future__ import annotations

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from clustering.documents import Run
from review.search.photo import PhotoResult, search_photo
from storage.names import CollectionName
from storage.vectors import face_vector_store
from vision import CATALOGUE, get_engine
from web.rest import read_upload


def search_uploaded_photo(
    file: UploadedFile, *, limit: int, path: str | None = None
) -> PhotoResult:
    """Search by an uploaded photo; the photo is not stored."""
    return search_photo(
        read_upload(file),
        engine=get_engine(settings.VISION),
        thresholds=settings.VISION.thresholds,
        vectors=face_vector_store(),
        limit=limit,
        collection=None if path is None else CollectionName.parse(path).path,
    )


def likely_threshold(run: Run) -> float:
    """Return the similarity from which pages call a suggestion likely; needs no installed model.

    0, which makes all suggestions likely, if the run's embedder is not in the catalogue.
    """
    known = CATALOGUE.get(run.embedder)
    return 0.0 if known is None else float(known.assignment_threshold)

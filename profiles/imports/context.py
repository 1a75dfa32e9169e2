"""Build the context of imports from the settings; called by services, commands and tasks only."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from profiles.context import profile_stores
from profiles.imports.run_import import ImportContext, ImportLimits
from storage.buckets import Bucket, open_bucket
from vision import get_engine

ZIP_GROWS = 4  # times: photos hardly compress, so a zip that expands more is a zip bomb


def import_limits() -> ImportLimits:
    """Return the limits of an import in bytes."""
    return ImportLimits(
        file_bytes=settings.UPLOAD_MAX_BYTES, zip_bytes=ZIP_GROWS * settings.IMPORT_MAX_BYTES
    )


def build_import_context(bucket_opener: Callable[[str], Bucket] = open_bucket) -> ImportContext:
    """Return engine, stores and limits; buckets are those of the settings by default."""
    return ImportContext(
        engine=get_engine(settings.VISION),
        stores=profile_stores(),
        thresholds=settings.VISION.thresholds,
        limits=import_limits(),
        open_bucket=bucket_opener,
    )

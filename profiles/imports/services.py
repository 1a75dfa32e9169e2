"""Use cases of imports for the API and commands: open the stores, call, enqueue the task."""

from __future__ import annotations

from django.core.files.base import File

from profiles.imports.context import import_limits
from profiles.imports.documents import Import, ImportKind
from profiles.imports.run_import import cancel_import, start_import
from profiles.imports.tasks import enqueue_import
from storage.buckets import open_bucket
from storage.names import CollectionName

MAX_SHOWN = 200  # characters of a zip's name


def request_zip_import(file: File, *, force: bool, by: str) -> Import:
    """Start an import from a zip and enqueue it."""
    job = start_import(
        ImportKind.ZIP,
        zip_shown(str(file.name)),
        by=by,
        force=force,
        file=file,
        limits=import_limits(),
    )
    enqueue_import(job.id)
    return job


def request_folder_import(folder: str, *, force: bool, by: str) -> Import:
    """Start an import from ``bucket/sub`` and enqueue it."""
    name = CollectionName.parse(folder)
    open_bucket(name.bucket).check()
    job = start_import(ImportKind.FOLDER, name.path, by=by, force=force, limits=import_limits())
    enqueue_import(job.id)
    return job


def request_import_cancel(job: Import) -> Import:
    """Request cancellation, and enqueue the import in case no worker runs it."""
    job = cancel_import(job)
    enqueue_import(job.id)
    return job


def zip_shown(name: str) -> str:
    """Return the display name of a zip: printable characters, at most ``MAX_SHOWN``."""
    plain = "".join(letter for letter in name if letter.isprintable())
    return plain[:MAX_SHOWN] or "a zip"

"""Response types of imports."""

from __future__ import annotations

from typing import TypedDict

from django.urls import reverse

from profiles.imports.documents import Import, ImportedFile, Outcome
from web.rest import format_time


class ImportRow(TypedDict):
    """An import of known people; `refusals` counts the refused files by code."""

    import_id: str
    state: str
    kind: str
    source: str
    force: bool
    total: int
    done: int
    enrolled: int
    added: int
    known_already: int
    refused: int
    refusals: dict[str, int]
    waiting_for: str
    failure: str
    failure_code: str
    created_by: str
    created_at: str
    finished_at: str | None
    status_url: str
    files_url: str


class ImportRows(TypedDict):
    """A page of imports, newest first."""

    imports: list[ImportRow]
    next: str | None


class ImportedFileRow(TypedDict):
    """A file of an import and its outcome; `code` and `detail` say why it was refused."""

    path: str
    user_id: str
    outcome: str
    code: str
    detail: str


class ImportedFileRows(TypedDict):
    """A page of an import's files by path."""

    import_id: str
    files: list[ImportedFileRow]
    next: str | None


def import_json(job: Import) -> ImportRow:
    """Return the current state of an import."""
    counts = job.counts
    return {
        "import_id": job.id,
        "state": job.state.value,
        "kind": job.kind.value,
        "source": job.source,
        "force": job.force,
        "total": job.total,
        "done": sum(counts.values()),
        "enrolled": counts.get(Outcome.ENROLLED, 0),
        "added": counts.get(Outcome.ADDED, 0),
        "known_already": counts.get(Outcome.KNOWN_ALREADY, 0),
        "refused": counts.get(Outcome.REFUSED, 0),
        "refusals": dict(job.codes),
        "waiting_for": job.waiting_for,
        "failure": job.failure,
        "failure_code": job.failure_code,
        "created_by": job.created_by,
        "created_at": format_time(job.created_at),
        "finished_at": job.finished_at and format_time(job.finished_at),
        "status_url": import_url(job),
        "files_url": reverse("import_files_api", kwargs={"import_id": job.id}),
    }


def imported_file_json(file: ImportedFile) -> ImportedFileRow:
    """Return a file of an import."""
    return {
        "path": file.path,
        "user_id": file.user_id,
        "outcome": file.outcome.value,
        "code": file.code,
        "detail": file.detail,
    }


def import_url(job: Import) -> str:
    """Return the URL of an import."""
    return reverse("import_api", kwargs={"import_id": job.id})

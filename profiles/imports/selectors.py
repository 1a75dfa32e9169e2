"""Read imports and the records of their files; no writes."""

from __future__ import annotations

from collections.abc import Iterator

from profiles.imports.documents import Import, ImportedFile
from storage.errors import Missing
from storage.mongo import PREFIX_END


class NoSuchImport(Missing):
    """No import has this id."""

    code = "no_such_import"


def get_import(import_id: str) -> Import:
    """Return an import; raise NoSuchImport."""
    job = Import.objects(id=import_id).first()
    if job is None:
        raise NoSuchImport("There is no import with this id.")
    return job


def list_imports(*, before: str, limit: int) -> list[Import]:
    """Return imports, newest first, before the sort key ``before``."""
    found = Import.objects(sort_key__gt="", sort_key__lt=before or PREFIX_END)
    return list(found.order_by("-sort_key").limit(limit))


def list_files(job: Import, *, outcome: str, after: str, limit: int) -> list[ImportedFile]:
    """Return the files of an import by path, of one outcome or all, after a sort key."""
    field, first = files_order(job, outcome)
    bounds = {f"{field}__gt": after or first, f"{field}__lt": first + PREFIX_END}
    return list(ImportedFile.objects(**bounds).order_by(field).limit(limit))


def iter_files(job: Import, *, outcome: str) -> Iterator[ImportedFile]:
    """Iterate the files of an import of one outcome by path."""
    field, after = files_order(job, outcome)
    while page := list_files(job, outcome=outcome, after=after, limit=500):
        yield from page
        after = getattr(page[-1], field)


def files_order(job: Import, outcome: str) -> tuple[str, str]:
    """Return the field to sort the files by, and the common prefix of its values."""
    if outcome:
        return "outcome_sort_key", f"{job.id}\t{outcome}\t"
    return "sort_key", f"{job.id}\t"

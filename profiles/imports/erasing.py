"""Erase a person from imports: lines, file names, and photos that are still to be imported."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from profiles.imports.documents import ACTIVE, Import, ImportedFile, ImportKind
from profiles.imports.run_import import ImportLimits
from profiles.imports.sources import SourceFile, open_folder, open_zip
from storage.buckets import Bucket
from storage.mentions import mentions_word
from storage.mongo import bulk_delete, bulk_set, iter_fields, prefix_range

logger = logging.getLogger(__name__)

ERASED = "(erased)"
ALIKE_ERASED = "The face looks like a person who was erased since."
TEXTS = ("source", "failure", "waiting_for")


@dataclass(frozen=True)
class OpenImport:
    """An active import with files of a person; it is done with them after the file ``last``.

    Without ``last`` it must end first, because its zip contains the photos until then.
    """

    import_id: str
    last: str = ""

    def is_done_with(self) -> bool:
        """Return whether the import has ended, or is past the person's files."""
        job = Import.objects(id=self.import_id).first()
        return job is None or not job.is_active or bool(self.last and job.next > self.last)


def find_imports_naming(
    user_id: str, *, limits: ImportLimits, open_bucket: Callable[[str], Bucket]
) -> list[OpenImport]:
    """Return the active imports that have files of a person left, or cannot be read."""
    found = (
        _open_import(job, user_id, limits, open_bucket) for job in Import.objects(active=ACTIVE)
    )
    return [one for one in found if one is not None and not one.is_done_with()]


def forget_import_traces(user_id: str) -> int:
    """Delete a person's lines and remove the person's id from other lines and imports.

    Returns the number of changed or deleted lines and imports.
    """
    own = _lines_of("user_place", user_id)
    bulk_delete(ImportedFile, own)
    alike = _lines_of("other_place", user_id)
    bulk_set(
        ImportedFile,
        ((one, {}, {"detail": ALIKE_ERASED, "other_place": ""}) for one in alike),
    )
    lines = list(_lines_mentioning(user_id))
    bulk_set(ImportedFile, ((line["_id"], {}, _line_without(line, user_id)) for line in lines))
    jobs = list(_imports_mentioning(user_id))
    bulk_set(Import, jobs)
    return len(own) + len(alike) + len(lines) + len(jobs)


def count_import_traces(user_id: str) -> int:
    """Return the number of lines and imports that name a person."""
    lines = {
        *_lines_of("user_place", user_id),
        *_lines_of("other_place", user_id),
        *(line["_id"] for line in _lines_mentioning(user_id)),
    }
    return len(lines) + sum(1 for _ in _imports_mentioning(user_id))


def _open_import(
    job: Import, user_id: str, limits: ImportLimits, open_bucket: Callable[[str], Bucket]
) -> OpenImport | None:
    """Return an active import if it has files of a person or cannot be read."""
    if job.kind == ImportKind.PATH:  # only its command can read the folder
        return OpenImport(job.id)
    try:
        if job.kind == ImportKind.ZIP:
            with open_zip(job.id, total=limits.zip_bytes, read_bytes=0) as source:
                named = _sort_keys_naming(source.files, user_id)
            return OpenImport(job.id) if named else None
        if mentions_word(job.source, [user_id]):  # the source is needed until the end
            return OpenImport(job.id)
        folder = open_folder(job.source, open_bucket, has_begun=bool(job.next))
        named = _sort_keys_naming(folder.files, user_id)
        return OpenImport(job.id, max(named)) if named else None
    except Exception as error:  # noqa: BLE001 - an unreadable source may contain the person
        logger.warning("Import %s cannot be read for an erasure: %s", job.id, error)
        return OpenImport(job.id)


def _sort_keys_naming(files: list[SourceFile], user_id: str) -> list[str]:
    """Return the sort keys of the files whose path names a person."""
    return [file.order for file in files if mentions_word(file.path, [user_id])]


def _lines_of(field: str, user_id: str) -> list[str]:
    """Return the ids of the lines that name a person in a field."""
    first = f"{user_id}\t"
    found = iter_fields(ImportedFile, {field: prefix_range(first)}, [])
    return [str(one["_id"]) for one in found]


def _lines_mentioning(user_id: str) -> Iterator[dict[str, str]]:
    """Iterate the lines of other people whose path or detail names a person."""
    wanted = ["path", "detail", "user_id", "place", "outcome_place"]
    seen: set[str] = set()
    for field in ("path", "detail"):
        where = {field: {"$regex": f"(?i){re.escape(user_id)}"}}
        for line in iter_fields(ImportedFile, where, wanted):
            if line["_id"] not in seen and line["user_id"] != user_id and _is_named(line, user_id):
                seen.add(line["_id"])
                yield line


def _is_named(line: dict[str, str], user_id: str) -> bool:
    """Return whether a line names a person apart from its owner, whose id may contain the word."""
    return any(
        mentions_word(_without_owner(line, field), [user_id]) for field in ("path", "detail")
    )


def _without_owner(line: dict[str, str], field: str) -> str:
    """Return a text of a line with its owner's id removed."""
    text, owner = line.get(field) or "", line["user_id"]
    if not owner:
        return text
    if field == "path":
        return re.sub(rf"(^|/){re.escape(owner)}/", r"\1", text, count=1)
    return text.replace(owner, "")


def _line_without(line: dict[str, str], user_id: str) -> dict[str, object]:
    """Return the changes by which path and detail of a line no longer name the person."""
    changes: dict[str, object] = {}
    if mentions_word(_without_owner(line, "detail"), [user_id]):
        changes["detail"] = ERASED
    if mentions_word(_without_owner(line, "path"), [user_id]):
        import_id, outcome = line["outcome_place"].split("\t")[:2]
        order = f"{ERASED}\t{line['_id']}"
        changes |= {
            "path": ERASED,
            "place": f"{import_id}\t{order}",
            "outcome_place": f"{import_id}\t{outcome}\t{order}",
        }
    return changes


def _imports_mentioning(
    user_id: str,
) -> Iterator[tuple[str, dict[str, object], dict[str, object]]]:
    """Iterate the imports that name a person, with the fields to set.

    The source of a folder import is needed until it ends, so it is kept until then.
    """
    for job in iter_fields(Import, {}, [*TEXTS, "kind", "active"]):
        named = [name for name in TEXTS if mentions_word(job.get(name) or "", [user_id])]
        if job["kind"] == ImportKind.FOLDER and job.get("active"):
            named = [name for name in named if name != "source"]
        if named:
            yield job["_id"], {}, dict.fromkeys(named, ERASED)

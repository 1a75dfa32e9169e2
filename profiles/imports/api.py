"""REST resources of imports: start, list, read, list files, cancel."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from profiles.imports import answers
from profiles.imports.documents import Import
from profiles.imports.run_import import ImportEnded
from profiles.imports.selectors import (
    NoSuchImport,
    files_order,
    get_import,
    list_files,
    list_imports,
)
from profiles.imports.serializers import ImportedFilesQuery, ImportForm, ImportsQuery
from profiles.imports.services import (
    request_folder_import,
    request_import_cancel,
    request_zip_import,
)
from profiles.imports.zip_reader import NotAnArchive, TooManyEntries
from storage.errors import InvalidName, NoSuchBucket
from web.auth import caller_name
from web.errors import BodyTooLarge
from web.pagination import BadCursor, decode_cursor, encode_cursor
from web.rest import Api, parse_form, parse_query
from web.schema import operation

FORM_BYTES = 100_000  # of a request without its file
IMPORT: answers.ImportRow = {
    "import_id": "7c0ffee07c0ffee07c0ffee0",
    "state": "working",
    "kind": "zip",
    "source": "people.zip",
    "force": False,
    "total": 40,
    "done": 21,
    "enrolled": 12,
    "added": 7,
    "known_already": 1,
    "refused": 1,
    "refusals": {"no_face": 1},
    "waiting_for": "",
    "failure": "",
    "failure_code": "",
    "created_by": "grace",
    "created_at": "2025-03-01T09:30:00.000Z",
    "finished_at": None,
    "status_url": "/api/v1/profiles/imports/7c0ffee07c0ffee07c0ffee0/",
    "files_url": "/api/v1/profiles/imports/7c0ffee07c0ffee07c0ffee0/files/",
}
FILE: answers.ImportedFileRow = {
    "path": "ada/holiday.jpg",
    "user_id": "ada",
    "outcome": "refused",
    "code": "no_face",
    "detail": "There is no face in the photo.",
}


class ProfilesImportApi(Api):
    """The start of an import."""

    parser_classes = (MultiPartParser,)

    def body_limit(self) -> int:
        """Return the largest request in bytes: the zip and the other form fields."""
        return int(settings.IMPORT_MAX_BYTES) + FORM_BYTES

    @operation(
        "Import known people",
        answers={202: answers.ImportRow},
        form=ImportForm,
        example={**IMPORT, "state": "queued"},
        refuses=(NotAnArchive, TooManyEntries, InvalidName, NoSuchBucket),
        tag="profiles",
    )
    def post(self, request: Request) -> Response:
        """Queue an import of `<user_id>/<file>`, from a zip or from a folder of a bucket.

        An unknown person is enrolled by the first photo; further photos are added to the profile.
        A photo that is in the profile already changes nothing, so an import can be repeated.
        """
        form = parse_form(request, ImportForm).validated_data
        given: dict[str, Any] = {"force": form["force"], "by": caller_name(request)}
        if "folder" in form:
            return _accepted(request_folder_import(form["folder"], **given))
        file = form["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            raise BodyTooLarge(
                f"The zip has {file.size:,} bytes; {settings.IMPORT_MAX_BYTES:,} are allowed."
            )
        return _accepted(request_zip_import(file, **given))


class ImportsApi(Api):
    """All imports."""

    @operation(
        "List imports",
        answers={200: answers.ImportRows},
        query=ImportsQuery,
        refuses=(BadCursor,),
        example={"imports": [IMPORT], "next": None},
        tag="profiles",
    )
    def get(self, request: Request) -> Response:
        """Return a page of imports, newest first."""
        query = parse_query(request, ImportsQuery).validated_data
        before, limit = decode_cursor(query.get("cursor"), within="import:"), query["limit"]
        found = list_imports(before=before.removeprefix("import:"), limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Response(
            answers.ImportRows(
                imports=[answers.import_json(one) for one in page],
                next=encode_cursor(f"import:{page[-1].sort_key}") if more else None,
            )
        )


class ImportApi(Api):
    """An import."""

    @operation(
        "Read an import",
        answers={200: answers.ImportRow},
        refuses=(NoSuchImport,),
        example=IMPORT,
        tag="profiles",
    )
    def get(self, request: Request, import_id: str) -> Response:
        """Return state and counts; suitable for polling."""
        return Response(answers.import_json(get_import(import_id)))


class ImportFilesApi(Api):
    """The files of an import."""

    @operation(
        "List the files of an import",
        answers={200: answers.ImportedFileRows},
        query=ImportedFilesQuery,
        refuses=(NoSuchImport, BadCursor),
        example={"import_id": IMPORT["import_id"], "files": [FILE], "next": None},
        tag="profiles",
    )
    def get(self, request: Request, import_id: str) -> Response:
        """Return a page of the files processed so far, by path, of one outcome or of all."""
        query = parse_query(request, ImportedFilesQuery).validated_data
        job, limit, outcome = get_import(import_id), query["limit"], query.get("outcome", "")
        field, first = files_order(job, outcome)
        after = decode_cursor(query.get("cursor"), within=first)
        found = list_files(job, outcome=outcome, after=after, limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Response(
            answers.ImportedFileRows(
                import_id=job.id,
                files=[answers.imported_file_json(one) for one in page],
                next=encode_cursor(getattr(page[-1], field)) if more else None,
            )
        )


class ImportCancelApi(Api):
    """The cancellation of an import."""

    @operation(
        "Cancel an import",
        answers={202: answers.ImportRow},
        refuses=(NoSuchImport, ImportEnded),
        example=IMPORT,
        tag="profiles",
    )
    def post(self, request: Request, import_id: str) -> Response:
        """Stop an import before its next file; processed files stay imported."""
        return _accepted(request_import_cancel(get_import(import_id)))


def _accepted(job: Import) -> Response:
    headers = {"Location": answers.import_url(job)}
    return Response(answers.import_json(job), status=202, headers=headers)

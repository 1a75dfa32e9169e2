"""REST resources of imports: start, list, read, list files, cancel."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from profiles.imports import outputs
from profiles.imports.documents import Import
from profiles.imports.examples import FILE, IMPORT
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


class ProfilesImportApi(Api):
    """The start of an import."""

    parser_classes = (MultiPartParser,)

    def body_limit(self) -> int:
        """Return the largest request in bytes: the zip and the other form fields."""
        return int(settings.IMPORT_MAX_BYTES) + FORM_BYTES

    @operation(
        "Import known people",
        answers={202: outputs.ImportRowOutput},
        form=ImportForm,
        example=lambda: outputs.ImportRowOutput.render(IMPORT, state="queued"),
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
        answers={200: outputs.ImportRowsOutput},
        query=ImportsQuery,
        refuses=(BadCursor,),
        example=lambda: outputs.ImportRowsOutput.render(imports=[IMPORT], next=None),
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
            outputs.ImportRowsOutput.render(
                imports=page,
                next=encode_cursor(f"import:{page[-1].sort_key}") if more else None,
            )
        )


class ImportApi(Api):
    """An import."""

    @operation(
        "Read an import",
        answers={200: outputs.ImportRowOutput},
        refuses=(NoSuchImport,),
        example=lambda: outputs.ImportRowOutput.render(IMPORT),
        tag="profiles",
    )
    def get(self, request: Request, import_id: str) -> Response:
        """Return state and counts; suitable for polling."""
        return Response(outputs.ImportRowOutput.render(get_import(import_id)))


class ImportFilesApi(Api):
    """The files of an import."""

    @operation(
        "List the files of an import",
        answers={200: outputs.ImportedFileRowsOutput},
        query=ImportedFilesQuery,
        refuses=(NoSuchImport, BadCursor),
        example=lambda: outputs.ImportedFileRowsOutput.render(
            import_id=IMPORT.id, files=[FILE], next=None
        ),
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
            outputs.ImportedFileRowsOutput.render(
                import_id=job.id,
                files=page,
                next=encode_cursor(getattr(page[-1], field)) if more else None,
            )
        )


class ImportCancelApi(Api):
    """The cancellation of an import."""

    @operation(
        "Cancel an import",
        answers={202: outputs.ImportRowOutput},
        refuses=(NoSuchImport, ImportEnded),
        example=lambda: outputs.ImportRowOutput.render(IMPORT),
        tag="profiles",
    )
    def post(self, request: Request, import_id: str) -> Response:
        """Stop an import before its next file; processed files stay imported."""
        return _accepted(request_import_cancel(get_import(import_id)))


def _accepted(job: Import) -> Response:
    headers = {"Location": outputs.import_url(job)}
    return Response(outputs.ImportRowOutput.render(job), status=202, headers=headers)

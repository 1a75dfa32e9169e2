"""Answers about imports."""

from __future__ import annotations

from django.urls import reverse
from rest_framework.serializers import BooleanField, CharField, DictField, IntegerField

from profiles.imports.documents import Import, Outcome
from web.output import NEXT, Output, TimeField


class ImportRowOutput(Output):
    """An import of known people; `refusals` counts the refused files by code."""

    import_id = CharField(source="id", help_text="The id of the import.")
    state = CharField(help_text="`queued`, `working`, `finished`, `failed` or `cancelled`.")
    kind = CharField(help_text="Where the photos come from: `zip`, `folder` or `path`.")
    source = CharField(help_text="The name of the zip, or the folder.")
    force = BooleanField(help_text="Whether people who resemble another person are enrolled.")
    total = IntegerField(help_text="Number of files.")
    done = IntegerField(help_text="Number of processed files.")
    enrolled = IntegerField(help_text="Number of people who were enrolled.")
    added = IntegerField(help_text="Number of photos that were added to a profile.")
    known_already = IntegerField(help_text="Number of photos that were in the profile before.")
    refused = IntegerField(help_text="Number of refused files.")
    refusals = DictField(
        source="codes", child=IntegerField(), help_text="Number of refused files by code."
    )
    waiting_for = CharField(help_text="The store or bucket that the import waits for, or empty.")
    failure = CharField(help_text="Why the import failed, or empty.")
    failure_code = CharField(help_text="Why the import failed, for programs, or empty.")
    created_by = CharField(help_text="The account or key that started the import.")
    created_at = TimeField(help_text="When the import was accepted.")
    finished_at = TimeField(allow_null=True, help_text="When it ended; null before.")
    status_url = CharField(help_text="Path of this answer, for polling.")
    files_url = CharField(help_text="Path of the list of its files.")

    def get_done(self, job: Import) -> int:
        return sum(job.counts.values())

    def get_enrolled(self, job: Import) -> int:
        return int(job.counts.get(Outcome.ENROLLED, 0))

    def get_added(self, job: Import) -> int:
        return int(job.counts.get(Outcome.ADDED, 0))

    def get_known_already(self, job: Import) -> int:
        return int(job.counts.get(Outcome.KNOWN_ALREADY, 0))

    def get_refused(self, job: Import) -> int:
        return int(job.counts.get(Outcome.REFUSED, 0))

    def get_status_url(self, job: Import) -> str:
        return import_url(job)

    def get_files_url(self, job: Import) -> str:
        return reverse("import_files_api", kwargs={"import_id": job.id})


class ImportRowsOutput(Output):
    """A page of imports, newest first."""

    imports = ImportRowOutput(many=True, help_text="The imports of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class ImportedFileRowOutput(Output):
    """A file of an import and its outcome; `code` and `detail` say why it was refused."""

    path = CharField(help_text="The file's path in the zip or folder.")
    user_id = CharField(help_text="The person whose photo it is, or empty.")
    outcome = CharField(help_text="`enrolled`, `added`, `known_already` or `refused`.")
    code = CharField(help_text="Why it was refused, for programs, or empty.")
    detail = CharField(help_text="Why it was refused, as a sentence, or empty.")


class ImportedFileRowsOutput(Output):
    """A page of an import's files by path."""

    import_id = CharField(help_text="The id of the import.")
    files = ImportedFileRowOutput(many=True, help_text="The files of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


def import_url(job: Import) -> str:
    """Return the path of an import."""
    return reverse("import_api", kwargs={"import_id": job.id})

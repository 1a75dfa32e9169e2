"""``manage.py import_profiles <folder or zip>``: enrol known people, ``<user_id>/<photo>``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.management.base import CommandParser

from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from faceadmin.runtime.launcher import run_services
from faceadmin.runtime.progress_bar import Progress
from profiles.imports.context import build_import_context, import_limits
from profiles.imports.documents import Import, ImportKind, ImportState, Outcome
from profiles.imports.outputs import ImportRowOutput
from profiles.imports.run_import import (
    ImportContext,
    ImportEnded,
    cancel_import,
    import_step,
    start_import,
)
from profiles.imports.selectors import get_import, iter_files
from profiles.imports.services import zip_shown
from storage.buckets import LocalBucket

BY = "command line"
LOOK_EVERY_S = 0.5
STORE_PATIENCE_S = 60.0


class Command(ProductCommand):
    """Import people from a local folder or zip, to the end."""

    help = "Enrol known people from a folder or a zip of <user_id>/<photo>; safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the source and --force."""
        parser.add_argument("source", type=Path, help="a folder or a zip on this machine")
        parser.add_argument(
            "--force", action="store_true", help="enrol faces even if they look like others"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import with a progress bar, and print the outcome."""
        source: Path = options["source"].expanduser().resolve()
        if not source.exists():
            raise CommandFailed(f"There is no {source}.", code=Exit.NOT_FOUND)
        with run_services():
            context = build_import_context(lambda _name: HereBucket(source))
            job = _started(source, force=options["force"])
            try:
                job = run_import_to_end(job.id, context)
            except KeyboardInterrupt:
                _stop(job, context)
                sentence = "Interrupted; what is imported stays, and a repetition does the rest."
                raise CommandFailed(sentence, code=Exit.INTERRUPTED) from None
            for file in iter_files(job, outcome=Outcome.REFUSED):
                self.stderr.write(f"{file.path}: {file.code}: {file.detail}")
            if job.state != ImportState.FINISHED:
                self.stderr.write(summary(job))
                raise CommandFailed(f"The import {job.id} {job.state}. {job.failure}".rstrip())
            self.stdout.write(summary(job))


class HereBucket(LocalBucket):
    """A local folder with any name, read like a bucket."""

    def __init__(self, folder: Path) -> None:
        self._root, self._name = folder.parent, folder.name


def run_import_to_end(import_id: str, context: ImportContext) -> Import:
    """Import, or wait for another worker to do so; raise if a store stays away for a minute."""
    waits_since: float | None = None
    with Progress("Photos", unit="photos") as progress:
        while (job := get_import(import_id)).is_active:
            if import_step(import_id, lambda: context):
                waits_since = None
            else:
                time.sleep(LOOK_EVERY_S)
                job = get_import(import_id)
                waits_since = (waits_since or time.monotonic()) if job.waiting_for else None
            if waits_since and time.monotonic() - waits_since > STORE_PATIENCE_S:
                raise CommandFailed(job.waiting_for, code=Exit.STORE_AWAY)
            job = get_import(import_id)
            progress.update(sum(job.counts.values()), job.total)
    return job


def summary(job: Import) -> str:
    """Return the outcome of the files in one or two lines."""
    row = ImportRowOutput.render(job)
    lines = [
        f"{row['done']} files: {row['enrolled']} people enrolled, {row['added']} photos added, "
        f"{row['known_already']} known already, {row['refused']} refused."
    ]
    if row["refusals"]:
        reasons = ", ".join(f"{count} {code}" for code, count in sorted(row["refusals"].items()))
        lines.append(f"Refused: {reasons}.")
    return "\n".join(lines)


def _started(source: Path, *, force: bool) -> Import:
    """Create the import of a folder or of a zip."""
    if source.is_dir():
        return start_import(
            ImportKind.PATH, source.name, by=BY, force=force, limits=import_limits()
        )
    with source.open("rb") as opened:
        return start_import(
            ImportKind.ZIP,
            zip_shown(source.name),
            by=BY,
            force=force,
            file=File(opened),
            limits=import_limits(),
        )


def _stop(job: Import, context: ImportContext) -> None:
    """Cancel an interrupted import and remove its zip."""
    try:
        cancel_import(job)
    except ImportEnded:
        return
    import_step(job.id, lambda: context)

"""``manage.py models list|fetch|verify``: list, fetch and verify the models."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from faceadmin.runtime.progress_bar import Progress
from vision import (
    CATALOGUE,
    ModelEntry,
    ModelMissing,
    ModelRow,
    VisionError,
    fetch,
    report_models,
    select_models,
    verify_model,
)


class Command(ProductCommand):
    """List the models, fetch them, or verify their files against the catalogue."""

    help = "The models: list them, fetch them, verify their files and run them once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verbs and the ids of models."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|fetch|verify")
        verbs.add_parser("list", help="list the models and their files")
        for verb, default in (("fetch", "the selected pair"), ("verify", "the installed ones")):
            one = verbs.add_parser(verb, help=f"default: {default}")
            one.add_argument("ids", nargs="*", metavar="id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        match options["verb"]:
            case "list":
                self._list()
            case "fetch":
                self._fetch([_entry(name) for name in options["ids"]])
            case "verify":
                self._verify(options["ids"])

    def _list(self) -> None:
        rows = report_models(settings.VISION)
        for row in rows:
            mark = "*" if row.is_active else " "
            self.stdout.write(f"{mark} {row.id:<14} {row.job:<7} {_place(row)} ({row.licence})")
        is_any = any(row.is_active for row in rows)
        self.stdout.write("* current" if is_any else "There is no current pair yet: fetch one.")

    def _fetch(self, entries: list[ModelEntry]) -> None:
        if not entries:
            with Progress("Fetching models", unit="B") as progress:
                pair = select_models(settings.VISION, may_fetch=True, progress=progress.update)
            self.stdout.write(f"{pair.detector} + {pair.embedder}. {pair.why}")
        for entry in entries:
            with Progress(f"Fetching {entry.id}", unit="B") as progress:
                path = fetch(entry, cache=settings.VISION.cache, progress=progress.update)
            self.stdout.write(f"{entry.id}: {path}")

    def _verify(self, ids: list[str]) -> None:
        wanted = ids or [row.id for row in report_models(settings.VISION) if _is_installed(row)]
        if not wanted:
            raise CommandFailed(
                "No model is installed; run manage.py models fetch.", code=Exit.NOT_FOUND
            )
        codes = {self._verified(name) for name in wanted}
        if codes != {Exit.DONE}:
            raise CommandFailed(code=max(codes))

    def _verified(self, name: str) -> Exit:
        """Verify one model, print the result, and return its exit code."""
        try:
            found = verify_model(name, settings.VISION)
        except VisionError as trouble:
            self.stderr.write(f"{name}: {trouble}")
            return Exit.NOT_FOUND if isinstance(trouble, ModelMissing) else Exit.FAILED
        given, outputs = _shape(found.given_input), ", ".join(map(_shape, found.outputs))
        self.stdout.write(f"{found.id}: right, and runs: {given} in, {outputs} out ({found.path})")
        return Exit.DONE


def _entry(name: str) -> ModelEntry:
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise CommandFailed(
            f"There is no model {name!r}; known are {known}.", code=Exit.NONSENSE
        ) from None


def _place(row: ModelRow) -> str:
    """Return the path of a model's file, or how to get it."""
    if row.path is not None or row.trouble:
        return str(row.path or row.trouble)
    can_be_fetched = row.id in CATALOGUE and CATALOGUE[row.id].source is not None
    return "can be fetched" if can_be_fetched else "put it into a folder of FACEADMIN_MODELS"


def _is_installed(row: ModelRow) -> bool:
    """Say whether a file of the model exists, valid or not."""
    return row.path is not None or bool(row.trouble)


def _shape(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))

"""``manage.py models list|fetch|verify``: what there is, where, and if it is right."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from faceadmin.exits import Ended, Exit, SentenceCommand
from faceadmin.terminal import Progress
from vision.catalogue import CATALOGUE, ModelEntry
from vision.errors import ModelMissing, ModelRefused
from vision.pair import choose_pair, pair_in_force
from vision.weights import fetch, model_path, published_path


class Command(SentenceCommand):
    """List the models, fetch them, or hold their files to what is known of them."""

    help = "The models: list them, fetch them, verify their files."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask what to do, and with which models."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|fetch|verify")
        verbs.add_parser("list", help="what there is and where its file lies")
        for verb, default in (("fetch", "those in force"), ("verify", "those at hand")):
            one = verbs.add_parser(verb, help=f"default: {default}")
            one.add_argument("ids", nargs="*", metavar="id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        entries = [_entry(name) for name in options.get("ids", [])]
        match options["verb"]:
            case "list":
                self._list()
            case "fetch":
                self._fetch(entries)
            case "verify":
                self._verify(entries)

    def _list(self) -> None:
        in_force = _in_force()
        for entry in CATALOGUE.values():
            mark = "*" if entry.id in in_force else " "
            where = f"{mark} {entry.id:<14} {entry.job:<7} {_place(entry)}"
            self.stdout.write(f"{where} ({entry.licence})")
        self.stdout.write("* in force" if in_force else "No pair is in force yet: fetch one.")

    def _fetch(self, entries: list[ModelEntry]) -> None:
        if not entries:
            with Progress("Fetching models", unit="B") as progress:
                pair = choose_pair(settings.VISION, may_fetch=True, progress=progress.update)
            self.stdout.write(f"{pair.detector} + {pair.embedder}. {pair.why}")
        for entry in entries:
            with Progress(f"Fetching {entry.id}", unit="B") as progress:
                path = fetch(entry, cache=settings.VISION.cache, progress=progress.update)
            self.stdout.write(f"{entry.id}: {path}")

    def _verify(self, entries: list[ModelEntry]) -> None:
        places = {"models": settings.VISION.models, "cache": settings.VISION.cache}
        wanted = entries or [entry for entry in CATALOGUE.values() if _place_is_known(entry)]
        if not wanted:
            raise Ended("No model is at hand; run manage.py models fetch.", code=Exit.NOT_FOUND)
        code = Exit.DONE
        for entry in wanted:
            try:
                path = model_path(entry, **places)
            except (ModelMissing, ModelRefused) as trouble:
                self.stderr.write(f"{entry.id}: {trouble}")
                code = Exit.NOT_FOUND if isinstance(trouble, ModelMissing) else Exit.FAILED
            else:
                self.stdout.write(f"{entry.id}: right, SHA-256 {entry.sha256}, runs as {path}")
        if code != Exit.DONE:
            raise Ended(code=code)


def _entry(name: str) -> ModelEntry:
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise Ended(f"There is no model {name!r}; known are {known}.", code=Exit.NONSENSE) from None


def _in_force() -> set[str]:
    try:
        pair = pair_in_force(settings.VISION)
    except (ModelMissing, ModelRefused):
        return set()
    return {str(pair.detector), str(pair.embedder)}


def _place(entry: ModelEntry) -> str:
    """Return where a model's file lies, or how it can be had."""
    try:
        path = published_path(entry, models=settings.VISION.models, cache=settings.VISION.cache)
    except ModelRefused as trouble:
        return str(trouble)
    if path is not None:
        return str(path)
    return "can be fetched" if entry.source else "put it into a folder of FACEADMIN_MODELS"


def _place_is_known(entry: ModelEntry) -> bool:
    """Tell whether a file of this name is at hand, the right one or not."""
    try:
        path = published_path(entry, models=settings.VISION.models, cache=settings.VISION.cache)
    except ModelRefused:
        return True
    return path is not None

"""``manage.py replay_erasures [file]``: erase people again after a restore of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from faceadmin.runtime.exit_codes import CommandFailed, Exit, ProductCommand
from faceadmin.runtime.launcher import run_services
from review.people.replay_erasures import ReplayedErasures, replay_log


class Command(ProductCommand):
    """Compare the erasure log with the stores, and erase the people who are stored again."""

    help = (
        "Erase people who were erased before and are stored again, as after a restore. "
        "Exit code 1: something is left, or was logged with another SECRET_KEY."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take another log than the installation's own."""
        parser.add_argument(
            "file", nargs="?", type=Path, help="an erasure log; default: ERASURE_LOG"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay, and say what was erased."""
        given: Path | None = options["file"]
        file = given or settings.ERASURE_LOG
        if given is not None and not given.is_file():
            raise CommandFailed(f"There is no {given}.", code=Exit.NOT_FOUND)
        with run_services():
            done = replay_log(given)
        self.stdout.write(sentence(file, done))
        if done.other_key:
            raise CommandFailed(
                f"{done.other_key} erasures were logged with another SECRET_KEY and could not be "
                "compared; set the SECRET_KEY of that time and repeat."
            )
        if not done.is_complete:
            pending = [one.detail for receipt in done.erased for one in receipt.pending]
            raise CommandFailed(" ".join(["Not all of it is erased yet; repeat later.", *pending]))


def sentence(file: Path, done: ReplayedErasures) -> str:
    """Return what a replay did."""
    people = f"{len(done.erased)} {'person was' if len(done.erased) == 1 else 'people were'}"
    return f"{file}: {done.entries} erasures; {people} stored again and erased."

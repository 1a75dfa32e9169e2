"""``manage.py up``: run the whole product on this machine."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from faceadmin.runtime.exit_codes import ProductCommand
from faceadmin.runtime.launcher import launch


class Command(ProductCommand):
    """Prepare, start and watch the stores, the workers and the web server."""

    help = "Run everything on this machine until Ctrl-C: stores, workers, web server."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --without-web."""
        parser.add_argument("--without-web", action="store_true", help="stores and workers only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped by a signal."""
        mention = self.say if options["verbosity"] else _say_nothing
        launch(web=not options["without_web"], say=self.say, mention=mention)

    def say(self, sentence: str) -> None:
        """Write a sentence and flush, also to a file."""
        self.stdout.write(sentence)
        self.stdout.flush()


def _say_nothing(_sentence: str) -> None:
    pass

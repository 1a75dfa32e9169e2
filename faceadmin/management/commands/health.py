"""``manage.py health``: ask the web server whether everything is ready."""

from __future__ import annotations

from typing import Any

from faceadmin.exits import Ended, SentenceCommand
from faceadmin.processes import address, web_is_ready


class Command(SentenceCommand):
    """Exit with 0 if the web server on this machine says that it is ready; for containers."""

    help = "Ask the web server on this machine whether everything is ready."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask once."""
        if not web_is_ready():
            raise Ended(f"{address()}/health/ready does not say that everything is ready.")
        self.stdout.write("Ready.")

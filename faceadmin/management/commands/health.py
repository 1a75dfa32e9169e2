"""``manage.py health``: ask the web server whether everything is ready."""

from __future__ import annotations

from typing import Any

from faceadmin.runtime.exit_codes import CommandFailed, ProductCommand
from faceadmin.runtime.services import address, is_web_ready


class Command(ProductCommand):
    """Exit with 0 if the web server on this machine reports that it is ready; for containers."""

    help = "Ask the web server on this machine whether everything is ready."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask once."""
        if not is_web_ready():
            raise CommandFailed(f"{address()}/health/ready does not say that everything is ready.")
        self.stdout.write("Ready.")

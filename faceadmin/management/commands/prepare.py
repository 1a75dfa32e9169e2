"""``manage.py prepare``: what ``up`` does before it starts anything."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from faceadmin.exits import SentenceCommand
from faceadmin.prepare import erasures_replay, prepare, servers_check
from faceadmin.terminal import Progress


class Command(SentenceCommand):
    """Make what is missing, and see that the servers answer."""

    help = "Prepare the data folder, the tables, the models and the first account; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, and say what is new."""
        with Progress("Fetching models", unit="B") as progress:
            prepared = prepare(progress=progress.update)
        if prepared.password:
            self.stdout.write(
                f"First account: admin, password: {prepared.password} (shown once; keep it)"
            )
        servers_check()
        if not settings.MONGODB_EMBEDDED:
            erasures_replay()
        models = prepared.models
        self.stdout.write(f"Models: {models.detector} + {models.embedder}. {models.why}")

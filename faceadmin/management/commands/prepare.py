"""``manage.py prepare``: the preparation that ``up`` does before it starts anything."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from faceadmin.runtime.bootstrap import check_servers, prepare, replay_erasures
from faceadmin.runtime.exit_codes import ProductCommand
from faceadmin.runtime.progress_bar import Progress


class Command(ProductCommand):
    """Create what is missing, and check that the servers respond."""

    help = "Prepare the data folder, the tables, the models and the first account; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare, and print what is new."""
        with Progress("Fetching models", unit="B") as progress:
            prepared = prepare(progress=progress.update, say=self.stdout.write)
        if prepared.password:
            self.stdout.write(
                f"First account: admin, password: {prepared.password} (shown once; keep it)"
            )
        check_servers()
        if not settings.MONGODB_EMBEDDED:
            replay_erasures()
        models = prepared.models
        self.stdout.write(f"Models: {models.detector} + {models.embedder}. {models.why}")

"""``manage.py workers``: take tasks off the queue until told to stop."""

from __future__ import annotations

from typing import Any

from faceadmin.cluster_watch import run_cluster
from faceadmin.exits import SentenceCommand
from faceadmin.prepare import erasures_replay
from faceadmin.processes import workers_say_alive
from faceadmin.tied import forks_tie


class Command(SentenceCommand):
    """Run the queue's workers; none of them outlives the process that was started."""

    help = (
        "Take tasks off the queue until told to stop (SIGTERM). Ends with an error when the queue "
        "stands still; whatever runs it has to start it again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run django-q's cluster and watch it."""
        erasures_replay()  # before this process says that it is ready, after which the web starts
        forks_tie()
        run_cluster(say_alive=workers_say_alive)

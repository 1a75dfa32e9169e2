"""``manage.py workers``: process tasks of the queue until stopped."""

from __future__ import annotations

from typing import Any

from faceadmin.runtime.bootstrap import replay_erasures
from faceadmin.runtime.cluster_watch import run_cluster
from faceadmin.runtime.exit_codes import ProductCommand
from faceadmin.runtime.parent_death import tie_forks_to_parent
from faceadmin.runtime.services import report_workers_alive


class Command(ProductCommand):
    """Run the queue's workers; none of them outlives the process that was started."""

    help = (
        "Take tasks off the queue until told to stop (SIGTERM). Ends with an error when the queue "
        "stands still; whatever runs it has to start it again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run django-q's cluster and watch it."""
        replay_erasures()  # before this process says that it is ready, after which the web starts
        tie_forks_to_parent()
        run_cluster(say_alive=report_workers_alive)

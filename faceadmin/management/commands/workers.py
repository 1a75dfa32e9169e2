"""``manage.py workers``: take tasks off the queue until told to stop."""

from __future__ import annotations

from typing import Any

from django_q.management.commands import qcluster
from django_q.signals import post_spawn

from faceadmin.prepare import erasures_replay
from faceadmin.processes import workers_say_ready
from faceadmin.tied import forks_tie


class Command(qcluster.Command):
    """Run the queue's workers; none of them outlives the process that was started."""

    help = "Take tasks off the queue until told to stop (SIGTERM)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run django-q's cluster."""
        erasures_replay()  # before this process says that it is ready, after which the web starts
        forks_tie()
        post_spawn.connect(_say_ready, weak=False)
        super().handle(*args, **options)


def _say_ready(**_signal: object) -> None:
    workers_say_ready()

"""Follow a run in a terminal until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clustering.documents import Run, RunState
from clustering.errors import NoSuchRun
from clustering.progress import run_progress
from clustering.selectors import get_run
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from faceadmin.runtime.progress_bar import Progress
from storage.errors import Unavailable, unavailable_from

LOOK_EVERY_S = 0.5
STORE_PATIENCE_S = 60.0


def watch_run(run_id: str) -> Run:
    """Show a run's progress until it ends; return it if finished, else raise CommandFailed."""
    with Progress("Photos", unit="photos") as progress:
        watch = _RunWatch(progress)
        while (run := watch.look(run_id)) is None or run.is_active:
            time.sleep(LOOK_EVERY_S)
    if run.state == RunState.FINISHED:
        return run
    if run.state == RunState.CANCELLED:
        raise CommandFailed(f"The run {run.id} was cancelled.")
    raise CommandFailed(f"The run {run.id} failed: {run.failure}")


@dataclass
class _RunWatch:
    """What was printed about a run so far."""

    progress: Progress
    clock: Callable[[], float] = time.monotonic
    said: str = ""
    away_since: float | None = field(default=None)

    def look(self, run_id: str) -> Run | None:
        """Read and show the run; None while the document store is unavailable."""
        try:
            run = get_run(run_id)
        except NoSuchRun:
            raise
        except Exception as error:  # any error of the driver: retried if the store is away
            away = unavailable_from(error)
            if away is None:
                raise
            self._wait(run_id, away)
            return None
        self.away_since = None
        self._show(run)
        return run

    def _wait(self, run_id: str, away: Unavailable) -> None:
        now = self.clock()
        if self.away_since is None:
            self.away_since = now
        if now - self.away_since > STORE_PATIENCE_S:
            raise CommandFailed(
                f"{away} The run {run_id} continues automatically when it is back.",
                code=Exit.STORE_AWAY,
            ) from away
        self._say(f"Waiting: {away}")

    def _show(self, run: Run) -> None:
        now = run_progress(run)
        if run.state != RunState.QUEUED and now.listed:
            self.progress.update(now.done, now.listed)
        if run.waiting_for:
            self._say(f"Waiting: {run.waiting_for}")
        elif run.state == RunState.GROUPING:
            self._say("Grouping the faces.")
        else:
            self.said = ""

    def _say(self, sentence: str) -> None:
        if sentence != self.said:
            self.progress.say(sentence)
        self.said = sentence

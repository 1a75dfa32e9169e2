"""Progress of a run: counts, percentage, remaining time."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from clustering.documents import Run, RunState


@dataclass(frozen=True)
class RunProgress:
    """Progress of a run; all counts but ``faces`` are images, ``done`` includes unchanged ones."""

    listed: int
    done: int
    failed: int
    faces: int
    percent: float
    eta_seconds: int | None
    elapsed_seconds: float
    files_per_second: float


def run_progress(run: Run) -> RunProgress:
    """Return the progress of a run, as of now or of its end."""
    started = run.started_at or run.created_at
    elapsed = max(((run.finished_at or timezone.now()) - started).total_seconds(), 0.001)
    rate = run.done / elapsed
    return RunProgress(
        listed=run.listed,
        done=min(run.unchanged + run.done, run.listed),
        failed=run.failed,
        faces=run.faces,
        percent=_percent(run),
        eta_seconds=_eta(run, rate=rate),
        elapsed_seconds=round(elapsed, 3),
        files_per_second=round(rate, 3),
    )


def _percent(run: Run) -> float:
    """Return the percentage of photos done; listing and grouping are not part of it."""
    if run.state == RunState.FINISHED:
        return 100.0
    if run.state in (RunState.QUEUED, RunState.LISTING):
        return 0.0
    return round(min(100.0 * run.done / run.todo, 100.0), 1) if run.todo else 100.0


def _eta(run: Run, *, rate: float) -> int | None:
    """Return the estimated remaining seconds, None while they cannot be estimated."""
    if not run.is_active:
        return 0
    if run.state != RunState.WORKING or not run.done or run.waiting_for:
        return None
    return round(max(run.todo - run.done, 0) / rate)

"""Queue tasks of imports: load, call, enqueue the next step. Each task may run twice."""

from __future__ import annotations

from operator import attrgetter

from django_q.tasks import async_task

from profiles.imports.context import build_import_context
from profiles.imports.documents import ACTIVE, Import, ImportKind, ImportState
from profiles.imports.run_import import IMPORTS, import_step
from storage.jobs import end_job, is_outdated, needs_worker, next_round
from storage.leases import hold_lease


def enqueue_import(import_id: str) -> None:
    """Enqueue a step of an import; it replaces one that is still in the queue."""
    _enqueue_round(import_id, next_round(Import, import_id))


def enqueue_imports_sweep() -> None:
    """Enqueue a search for all unfinished imports, as after a restart."""
    async_task(
        "profiles.imports.tasks.imports_sweep", everything=True, group="profiles", ack_failure=True
    )


def import_task(import_id: str, task_round: int | None = None) -> str:
    """Run one step of an import and enqueue the next one."""
    job = Import.objects(id=import_id).first()
    if job is None:
        return "gone"
    if is_outdated(job, task_round):
        return "outdated"
    if import_step(import_id, build_import_context):
        _enqueue_round(import_id, job.task_round)
        return "again"
    return "nothing"


def imports_sweep(*, everything: bool = False) -> int:
    """Enqueue unfinished imports idle for longer than a lease, or all of them; return how many.

    An import of a local folder runs inside its command, so an abandoned one fails. The import that
    has waited longest comes first, because a new round goes to the end of the queue.
    """
    waiting = []
    for job in Import.objects(active=ACTIVE):
        if job.kind == ImportKind.PATH and needs_worker(job, everything=False):
            _end_interrupted(job)
        elif job.kind != ImportKind.PATH and needs_worker(job, everything=everything):
            waiting.append(job)
    for job in sorted(waiting, key=attrgetter("heartbeat")):
        enqueue_import(job.id)
    return len(waiting)


def _enqueue_round(import_id: str, task_round: int) -> None:
    async_task(
        "profiles.imports.tasks.import_task",
        import_id,
        task_round,
        group="profiles",
        ack_failure=True,
    )


def _end_interrupted(job: Import) -> None:
    """End an import whose command died."""
    with hold_lease(job) as lease:
        if lease is not None:
            reason = "The command was interrupted; start it again."
            end_job(lease, ImportState.FAILED, kind=IMPORTS, code="interrupted", reason=reason)

"""Queue tasks of imports: load, call, enqueue the next step. Each task may run twice."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django_q.tasks import async_task

from profiles.imports.context import build_import_context
from profiles.imports.documents import ACTIVE, Import, ImportKind, ImportState
from profiles.imports.run_import import end_import, import_step
from storage.leases import LEASE_SECONDS, is_lease_live, take_lease
from vision import ModelMissing


def enqueue_import(import_id: str) -> None:
    """Enqueue the next step of an import."""
    async_task("profiles.imports.tasks.import_task", import_id, group="profiles", ack_failure=True)


def enqueue_imports_sweep() -> None:
    """Enqueue a search for all unfinished imports, as after a restart."""
    async_task(
        "profiles.imports.tasks.imports_sweep", everything=True, group="profiles", ack_failure=True
    )


def import_task(import_id: str) -> str:
    """Run one step of an import."""
    job = Import.objects(id=import_id).first()
    if job is None:
        return "gone"
    try:
        context = build_import_context()
    except ModelMissing as missing:
        leased = take_lease(job) if job.is_active and not is_lease_live(job) else None
        if leased is None:  # another worker has the models, and imports
            return "nothing"
        end_import(leased, ImportState.FAILED, code=missing.code, reason=str(missing))
        return "failed"
    if import_step(import_id, context):
        enqueue_import(import_id)
        return "again"
    return "nothing"


def imports_sweep(*, everything: bool = False) -> int:
    """Enqueue unfinished imports idle for longer than a lease, or all of them; return how many.

    An import of a local folder runs inside its command, so an abandoned one fails.
    """
    stale_before = timezone.now() - timedelta(seconds=LEASE_SECONDS)
    taken_up = 0
    for job in Import.objects(active=ACTIVE):
        if is_lease_live(job) or not (everything or job.heartbeat < stale_before):
            continue
        if job.kind == ImportKind.PATH:
            _interrupted(job, stale_before=stale_before)
        else:
            enqueue_import(job.id)
            taken_up += 1
    return taken_up


def _interrupted(job: Import, *, stale_before: object) -> None:
    """End an import whose command died."""
    claimed = take_lease(job) if job.heartbeat < stale_before else None
    if claimed is not None:
        reason = "The command was interrupted; start it again."
        end_import(claimed, ImportState.FAILED, code="interrupted", reason=reason)

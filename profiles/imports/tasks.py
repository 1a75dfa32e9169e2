"""The queue's side of imports: load, call, enqueue what follows. Each task may run twice."""

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
    """Let a worker take up an import."""
    async_task("profiles.imports.tasks.import_task", import_id, group="profiles", ack_failure=True)


def enqueue_imports_sweep() -> None:
    """Let a worker look for imports that were left behind, as after a restart."""
    async_task(
        "profiles.imports.tasks.imports_sweep", everything=True, group="profiles", ack_failure=True
    )


def import_task(import_id: str) -> str:
    """Take an import one step further."""
    job = Import.objects(id=import_id).first()
    if job is None:
        return "gone"
    try:
        context = build_import_context()
    except ModelMissing as missing:
        end_import(job, ImportState.FAILED, code=missing.code, reason=str(missing))
        return "failed"
    if import_step(import_id, context):
        enqueue_import(import_id)
        return "again"
    return "nothing"


def imports_sweep(*, everything: bool = False) -> int:
    """Take up active imports untouched for a lease's time, or all of them; return how many.

    An import of a path belongs to the command that reads it, so a dead one ends.
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
    held = take_lease(job) if job.heartbeat < stale_before else None
    if held is not None:
        reason = "The command was interrupted; start it again."
        end_import(held, ImportState.FAILED, code="interrupted", reason=reason)

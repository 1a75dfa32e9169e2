"""Import reference photos: one file at a time, under a lease, with a record for every file.

Any number of workers may process an import, and any of them may be killed: a photo that is already
stored changes nothing, and an existing record is not written again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex

from django.core.files.base import File
from django.utils import timezone

from profiles.documents import Profile, ProfileState
from profiles.errors import LooksLikeAnother, PhotoRefused, ProfileErasing, ProfileExists
from profiles.imports.documents import (
    Import,
    ImportedFile,
    ImportKind,
    ImportState,
    Outcome,
)
from profiles.imports.sources import (
    Source,
    SourceFile,
    ZipSource,
    drop_zip,
    keep_zip,
    open_folder,
    open_zip,
    owner_of,
    path_shown,
    top_of,
)
from profiles.imports.zip_reader import TooManyBytes
from profiles.photo_check import Engine, check_photo
from profiles.reference_photos import ProfileStores
from profiles.selectors import find_profile, list_references
from profiles.services import Mode, enrol_profile, update_profile
from profiles.tombstones import check_tombstone, current_fence
from storage.buckets import Bucket
from storage.errors import Conflict, LeaseLost, Missing, Refused, StorageError
from storage.jobs import Job, JobKind, check_cancel, end_job, perform_step, request_cancel
from storage.leases import Lease, hold_lease
from vision import ModelMissing, ModelRefused, QualityThresholds, VisionError

logger = logging.getLogger(__name__)

STEP_SECONDS = 10.0


class ImportEnded(Conflict):
    """The import has ended and cannot be cancelled."""

    code = "import_ended"


@dataclass(frozen=True)
class ImportLimits:
    """Limits in bytes: of one photo, and of all files of a zip together."""

    file_bytes: int
    zip_bytes: int


@dataclass(frozen=True)
class ImportContext:
    """Dependencies of an import."""

    engine: Engine
    stores: ProfileStores
    thresholds: QualityThresholds
    limits: ImportLimits
    open_bucket: Callable[[str], Bucket]


@dataclass(frozen=True)
class Line:
    """The outcome of a file; ``other`` is the person matched by a refused face."""

    outcome: Outcome
    user_id: str = ""
    code: str = ""
    detail: str = ""
    other: str = ""


def start_import(
    kind: ImportKind,
    source: str,
    *,
    by: str,
    force: bool = False,
    file: File | None = None,
    limits: ImportLimits,
) -> Import:
    """Write a queued import; a zip is validated first, and then stored under the import's lease."""
    fence = current_fence()
    if file is not None:
        ZipSource(file, total=limits.zip_bytes)
        file.seek(0)
    now, import_id = timezone.now(), token_hex(12)
    started = Import(
        id=import_id,
        sort_key=f"{now.isoformat(timespec='milliseconds')}\t{import_id}",
        kind=kind,
        source=source,
        force=force,
        created_by=by,
        created_at=now,
        heartbeat=now,
        fence=fence,
    ).save(force_insert=True)
    if file is not None:
        _store_zip(started, file)
    return started


def import_step(import_id: str, build_context: Callable[[], ImportContext]) -> bool:
    """Import files for ``STEP_SECONDS``; return whether to continue at once.

    If a store is unavailable the import keeps its state and a message; the sweep resumes it.
    """

    def work(lease: Lease) -> bool:
        check_cancel(lease.document)
        lease.update(set__state=ImportState.WORKING)
        more = _import_files(lease, build_context())
        if more:
            return lease.commit(set__heartbeat=timezone.now(), set__waiting_for="")
        end_job(lease, ImportState.FINISHED, kind=IMPORTS)
        return False

    job = Import.objects(id=import_id).first()
    return job is not None and bool(perform_step(job, work, kind=IMPORTS))


def cancel_import(job: Import) -> Import:
    """Cancel an import before its next file; idempotent. Raise ImportEnded if it has ended."""
    cancelled = request_cancel(job, kind=IMPORTS)
    if cancelled is None:
        raise ImportEnded("The import has already ended.")
    return cancelled


def _store_zip(job: Import, file: File) -> None:
    """Store the zip under a lease, so that no worker starts early; on failure remove the import."""
    with hold_lease(job) as lease:
        if lease is None:
            raise LeaseLost(f"Import {job.id} was taken up before its zip was there")
        try:
            keep_zip(job.id, file)
        except BaseException:
            job.delete()
            raise
        lease.commit(set__heartbeat=timezone.now())


def _import_files(lease: Lease, context: ImportContext) -> bool:
    """Import files for some seconds; return whether any are left."""
    job = lease.document
    with _source(job, context) as source:
        top, until = top_of(source.files), time.monotonic() + STEP_SECONDS
        left = [file for file in source.files if file.order > job.next]
        for n, file in enumerate(left, start=1):
            check_cancel(job)
            line = _find_line(job, file) or _write_line(job, file, top, source, context, lease)
            _checkpoint(lease, file, line, source=source)
            if time.monotonic() >= until:
                return n < len(left)
    return False


@contextmanager
def _source(job: Import, context: ImportContext) -> Iterator[Source]:
    """Open the source of an import."""
    if job.kind == ImportKind.ZIP:
        total = context.limits.zip_bytes
        with open_zip(job.id, total=total, read_bytes=job.read_bytes) as source:
            yield source
    else:
        yield open_folder(job.source, context.open_bucket, has_begun=bool(job.next))


def _find_line(job: Import, file: SourceFile) -> Line | None:
    """Return the record of a worker that was killed before it counted the file."""
    stored = ImportedFile.objects(id=_line_id(job, file)).first()
    return stored and Line(stored.outcome, stored.user_id, stored.code, stored.detail)


def _write_line(
    job: Import, file: SourceFile, top: str, source: Source, context: ImportContext, lease: Lease
) -> Line:
    """Import a file and record its outcome."""
    line, path = _import_checked(job, file, top, source, context), path_shown(file)
    lease.check()
    line_id = _line_id(job, file)
    ImportedFile(
        id=line_id,
        sort_key=f"{job.id}\t{file.order}",
        outcome_sort_key=f"{job.id}\t{line.outcome}\t{file.order}",
        user_sort_key=f"{line.user_id}\t{line_id}",
        other_sort_key=f"{line.other}\t{line_id}" if line.other else "",
        path=path,
        user_id=line.user_id,
        outcome=line.outcome,
        code=line.code,
        detail=line.detail,
    ).save()
    return line


def _import_checked(
    job: Import, file: SourceFile, top: str, source: Source, context: ImportContext
) -> Line:
    """Import a file into its person's profile; refusals are returned as an outcome."""
    user_id = ""
    try:
        user_id = owner_of(file, top=top)
        data = source.read(file, limit=context.limits.file_bytes)
        return Line(_import_photo(job, user_id, data, context), user_id)
    except (ModelMissing, ModelRefused, TooManyBytes):
        raise  # errors of the whole import, not of this file
    except LooksLikeAnother as refused:
        other = str(refused.extra.get("user_id", ""))
        return Line(Outcome.REFUSED, user_id, refused.code, str(refused), other)
    except PhotoRefused as refused:
        return Line(Outcome.REFUSED, user_id, refused.code, str(refused.extra["reason"]))
    except (Conflict, Missing, Refused, VisionError) as refused:
        return Line(Outcome.REFUSED, user_id, refused.code, str(refused))


def _import_photo(job: Import, user_id: str, data: bytes, context: ImportContext) -> Outcome:
    """Enrol a person with a photo or add it to their profile; a known photo is not decoded."""
    profile = find_profile(user_id)
    check_tombstone(user_id, job.fence)
    if profile is not None and profile.state == ProfileState.ERASING:
        raise ProfileErasing(f"{user_id} is being erased.")
    if profile is not None and _is_known(profile, data, context.engine):
        return Outcome.KNOWN_ALREADY
    photo = check_photo(data, engine=context.engine, thresholds=context.thresholds)
    shared = {
        "force": job.force,
        "stores": context.stores,
        "by": job.created_by,
        "fence": job.fence,
    }
    if profile is None:
        try:
            enrol_profile(user_id, photo, name="", **shared)
        except ProfileExists:  # another request enrolled the id meanwhile
            profile = find_profile(user_id)
        else:
            return Outcome.ENROLLED
    before = set(profile.references) if profile is not None else set()
    added = update_profile(user_id, photo, mode=Mode.ADD, **shared)
    return Outcome.KNOWN_ALREADY if added.reference.id in before else Outcome.ADDED


def _is_known(profile: Profile, data: bytes, engine: Engine) -> bool:
    """Return whether the profile has this photo (same bytes), read by the current embedder."""
    same = (hashlib.sha256(data).hexdigest(), engine.embedder_id)
    return any((one.digest, one.embedder) == same for one in list_references(profile))


def _checkpoint(lease: Lease, file: SourceFile, line: Line, *, source: Source) -> None:
    """Count a file as processed; raise LeaseLost if another worker took the import over."""
    job = lease.document
    job.next, job.total, job.read_bytes = file.order, len(source.files), source.read_bytes
    job.counts = {**job.counts, line.outcome: job.counts.get(line.outcome, 0) + 1}
    if line.code:
        job.codes = {**job.codes, line.code: job.codes.get(line.code, 0) + 1}
    lease.update(
        set__next=job.next,
        set__total=job.total,
        set__read_bytes=job.read_bytes,
        set__counts=dict(job.counts),
        set__codes=dict(job.codes),
        set__heartbeat=timezone.now(),
        set__waiting_for="",
    )


def _line_id(job: Import, file: SourceFile) -> str:
    """Return the id of a file's record; deterministic, so every worker writes the same one."""
    return f"{job.id}-{hashlib.sha256(file.order.encode()).hexdigest()[:24]}"


def _clean_up(job: Job) -> None:
    """Remove the zip of an import that ends."""
    if job.kind == ImportKind.ZIP:
        drop_zip(job.id)


IMPORTS = JobKind(
    finished=ImportState.FINISHED,
    failed=ImportState.FAILED,
    cancelled=ImportState.CANCELLED,
    clean_up=_clean_up,
    end_updates={"set__active": "", "set__next": ""},
    expected=(StorageError, VisionError),
)

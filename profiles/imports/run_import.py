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
    ACTIVE,
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
from storage.errors import (
    Conflict,
    LeaseLost,
    Missing,
    Refused,
    StorageError,
    Unavailable,
    unavailable_from,
)
from storage.leases import (
    LEASE_SECONDS,
    Lease,
    extend_in_background,
    is_lease_live,
    now_ms,
    take_lease,
)
from vision import ModelMissing, ModelRefused, QualityThresholds, VisionError

logger = logging.getLogger(__name__)

STEP_SECONDS = 10.0


class ImportEnded(Conflict):
    """The import has ended and cannot be cancelled."""

    code = "import_ended"


class ImportCancelled(Exception):
    """Cancellation was requested; the worker stops before the next file."""


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


def import_step(import_id: str, context: ImportContext) -> bool:
    """Import files for ``STEP_SECONDS``; return whether to continue at once.

    If a store is unavailable the import keeps its state and a message; the sweep resumes it.
    """
    job = Import.objects(id=import_id).first()
    if job is None or not job.is_active or is_lease_live(job):
        return False
    leased = take_lease(job, set__heartbeat=timezone.now(), set__state=ImportState.WORKING)
    if leased is None:
        return False
    lease = Lease(leased)
    with extend_in_background(lease, or_on_error=_is_unavailable):
        try:
            return _advance_recording(leased, lease, context)
        except BaseException:  # an interrupted command, or an unavailable document store
            lease.commit()
            raise


def cancel_import(job: Import) -> Import:
    """Cancel an import before its next file; idempotent. Raise ImportEnded if it has ended."""
    asked = Import.objects(id=job.id, active=ACTIVE).modify(new=True, set__cancel_requested=True)
    if asked is not None:
        return asked
    ended = Import.objects(id=job.id).first()
    if ended is not None and ended.state == ImportState.CANCELLED:
        return ended
    raise ImportEnded("The import has already ended.")


def end_import(job: Import, state: ImportState, *, code: str = "", reason: str = "") -> bool:
    """Record how an import ended and remove its zip; False if another worker holds the lease.

    The zip is removed before the end is recorded, so that a kill in between leaves no photos
    behind; the lease is extended first, so that it cannot be another worker's zip.
    """
    owned = Import.objects(id=job.id, lease_owner=job.lease_owner, active=ACTIVE)
    if job.kind == ImportKind.ZIP:
        if owned.modify(set__lease_until=now_ms() + int(LEASE_SECONDS * 1000)) is None:
            return False
        drop_zip(job.id)
    ended = owned.modify(
        set__state=state,
        set__active="",
        set__next="",
        set__failure_code=code,
        set__failure=reason,
        set__waiting_for="",
        set__finished_at=timezone.now(),
        set__heartbeat=timezone.now(),
        set__lease_owner="",
        set__lease_until=0,
    )
    return ended is not None


def _store_zip(job: Import, file: File) -> None:
    """Store the zip under a lease, so that no worker starts early; on failure remove the import."""
    leased = take_lease(job)
    if leased is None:
        raise LeaseLost(f"Import {job.id} was taken up before its zip was there")
    lease = Lease(leased)
    with extend_in_background(lease, or_on_error=_is_unavailable):
        try:
            keep_zip(job.id, file)
        except BaseException:
            leased.delete()
            raise
    lease.commit(set__heartbeat=timezone.now())


def _advance_recording(job: Import, lease: Lease, context: ImportContext) -> bool:
    """Run a step, and record on the import how it ended or what it waits for."""
    try:
        more = _step(job, lease, context)
        if more:
            lease.commit(set__heartbeat=timezone.now(), set__waiting_for="")
        else:
            end_import(job, ImportState.FINISHED)
    except LeaseLost as lost:
        logger.info("Import %s: %s", job.id, lost)
    except ImportCancelled:
        end_import(job, ImportState.CANCELLED)
    except Exception as error:  # noqa: BLE001 - recorded on the import, its traceback in the log
        _record_failure(job, lease, error)
    else:
        return more
    return False


def _record_failure(job: Import, lease: Lease, error: Exception) -> None:
    """Keep the import waiting for an unavailable store; end it with a reason otherwise."""
    away = _unavailable(error)
    if away is not None:
        logger.warning("Import %s waits: %s", job.id, away)
        if away.store != "mongodb":
            lease.commit(set__waiting_for=str(away))
        return
    if isinstance(error, StorageError | VisionError):
        end_import(job, ImportState.FAILED, code=error.code, reason=str(error))
        return
    logger.error("Import %s failed", job.id, exc_info=error)
    reason = "An unexpected error occurred; the worker's log has the details."
    end_import(job, ImportState.FAILED, code="internal_error", reason=reason)


def _step(job: Import, lease: Lease, context: ImportContext) -> bool:
    """Import files for some seconds; return whether any are left."""
    _check_cancel(job)
    with _source(job, context) as source:
        top, until = top_of(source.files), time.monotonic() + STEP_SECONDS
        left = [one for one in source.files if one.order > job.next]
        for n, file in enumerate(left, start=1):
            _check_cancel(job)
            line = _find_line(job, file) or _write_line(job, file, top, source, context, lease)
            _checkpoint(job, file, line, source=source)
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


def _checkpoint(job: Import, file: SourceFile, line: Line, *, source: Source) -> None:
    """Count a file as processed; raise LeaseLost if another worker took the import over."""
    job.next, job.total, job.read_bytes = file.order, len(source.files), source.read_bytes
    job.counts = {**job.counts, line.outcome: job.counts.get(line.outcome, 0) + 1}
    if line.code:
        job.codes = {**job.codes, line.code: job.codes.get(line.code, 0) + 1}
    written = Import.objects(id=job.id, lease_owner=job.lease_owner).modify(
        set__next=job.next,
        set__total=job.total,
        set__read_bytes=job.read_bytes,
        set__counts=dict(job.counts),
        set__codes=dict(job.codes),
        set__heartbeat=timezone.now(),
        set__waiting_for="",
    )
    if written is None:
        raise LeaseLost(f"Import {job.id} was taken over")


def _check_cancel(job: Import) -> None:
    """Raise ImportCancelled if cancellation was requested or the import is gone."""
    fresh = Import.objects(id=job.id).only("cancel_requested").first()
    if fresh is None or fresh.cancel_requested:
        raise ImportCancelled


def _line_id(job: Import, file: SourceFile) -> str:
    """Return the id of a file's record; deterministic, so every worker writes the same one."""
    return f"{job.id}-{hashlib.sha256(file.order.encode()).hexdigest()[:24]}"


def _is_unavailable(error: BaseException) -> bool:
    """Say whether an error means that a store is unavailable, so that waiting helps."""
    return _unavailable(error) is not None


def _unavailable(error: BaseException) -> Unavailable | None:
    return error if isinstance(error, Unavailable) else unavailable_from(error)

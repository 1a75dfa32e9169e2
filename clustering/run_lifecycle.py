"""Start, cancel, resume and apply runs. Does not enqueue tasks: the caller does that afterwards."""

from __future__ import annotations

from secrets import token_hex

from django.utils import timezone
from mongoengine.errors import NotUniqueError

from clustering.context import RunModels
from clustering.documents import Collection, Run, RunState, collection_sort_key
from clustering.errors import (
    CollectionBusy,
    EmptyCollection,
    NotAPreview,
    NothingToConfirm,
    PreviewStale,
    RemovalsNeedConfirmation,
    RunActive,
    RunEnded,
    RunNotResumable,
)
from clustering.locks import check_no_removal
from clustering.parameters import RunParameters
from clustering.pipeline.list_bucket import is_image_key
from clustering.pipeline.step import RUNS
from clustering.selectors import find_run, get_run, iter_collection_images
from storage import jobs
from storage.buckets import Bucket
from storage.errors import Conflict
from storage.names import CollectionName


def create_run(
    name: CollectionName,
    *,
    parameters: RunParameters,
    bucket: Bucket,
    models: RunModels,
    started_by: str,
) -> Run:
    """Create a queued run for a collection with photos, now or earlier, and no active run.

    Raises EmptyCollection, RunActive or CollectionBusy.
    """
    bucket.check()
    listed = any(is_image_key(item.key) for item in bucket.iter_objects(name.prefix))
    if not listed and next(iter_collection_images(name.path), None) is None:
        raise EmptyCollection(f"There is no image under {name.path}.")
    collection = _get_collection(name)
    run = _run_of(collection, parameters=parameters, models=models, started_by=started_by)
    run.had_photos = listed
    run.save(force_insert=True)
    try:
        _activate_run(collection, run)
    except Conflict:
        run.delete()
        raise
    return run


def request_cancel(run: Run) -> Run:
    """Request a run to stop at its next safe point; idempotent for a cancelled run."""
    cancelled = jobs.request_cancel(run, kind=RUNS)
    if cancelled is None:
        raise RunEnded(f"The run has ended already: {get_run(run.id).state.value}.")
    return cancelled


def reopen_run(run: Run) -> Run:
    """Queue a failed or cancelled run again; its completed work is kept."""
    collection = Collection.objects(path=run.collection).first()
    if run.state not in (RunState.FAILED, RunState.CANCELLED) or collection.newest_run != run.id:
        raise RunNotResumable(
            "Only the newest run of a collection can be resumed, and only after it failed or was "
            "cancelled; start a new one."
        )
    _activate_run(collection, run)
    run.modify(
        set__state=RunState.QUEUED,
        set__cancel_requested=False,
        set__failure="",
        set__failure_code="",
        set__waiting_for="",
        set__finished_at=None,
        set__heartbeat=timezone.now(),
    )
    return run


def parameters_with_removals(run: Run) -> RunParameters:
    """Return the parameters of a run that failed for missing photos, with removals allowed.

    Raises NothingToConfirm unless it is the newest run: an outdated page must not confirm the
    removals of a later run.
    """
    collection = Collection.objects(path=run.collection).first()
    if run.failure_code != RemovalsNeedConfirmation.code or collection.newest_run != run.id:
        raise NothingToConfirm(
            "Only the removals of the newest run of a collection can be confirmed, after it failed "
            "for them."
        )
    return RunParameters.of(run, allow_removals=True)


def request_apply(run: Run) -> Run:
    """Queue the switch to a preview.

    Raises NotAPreview, or PreviewStale if another run became current since the preview.
    """
    collection = Collection.objects(path=run.collection).first()
    if not run.preview or run.state != RunState.FINISHED:
        raise NotAPreview("This run is not a preview that can be applied.")
    if collection.current_run != run.previewed_from or run.forgotten:
        raise PreviewStale("Another run was applied since; start a new preview.")
    _activate_run(collection, run)
    run.modify(
        set__preview=False,
        set__state=RunState.GROUPING,
        set__finished_at=None,
        set__heartbeat=timezone.now(),
    )
    return run


def _get_collection(name: CollectionName) -> Collection:
    """Get the collection's document, or create it for the first run."""
    collection = Collection.objects(path=name.path).first()
    if collection is not None:
        return collection
    try:
        return Collection(
            path=name.path,
            bucket=name.bucket,
            sub=name.sub,
            log=token_hex(12),
            updated_at=timezone.now(),
        ).save(force_insert=True)
    except NotUniqueError:  # created by another request in the meantime
        return Collection.objects(path=name.path).first()


def _run_of(
    collection: Collection, *, parameters: RunParameters, models: RunModels, started_by: str
) -> Run:
    run_id, now = token_hex(12), timezone.now()
    return Run(
        id=run_id,
        collection=collection.path,
        sort_key=collection_sort_key(collection.path, f"{now.timestamp():017.6f}/{run_id}"),
        eps=models.eps if parameters.eps is None else parameters.eps,
        min_samples=parameters.min_samples,
        algorithm=parameters.algorithm,
        refine=parameters.refine,
        skip_quality_filter=parameters.skip_quality_filter,
        full=parameters.full,
        preview=parameters.preview,
        allow_removals=parameters.allow_removals,
        max_images=parameters.max_images,
        batch_size=parameters.batch_size,
        max_concurrent=parameters.max_concurrent,
        detector=models.detector,
        embedder=models.embedder,
        model=models.model,
        dimension=models.dimension,
        thresholds={
            "min_face_size": models.thresholds.min_face_size,
            "min_confidence": models.thresholds.min_confidence,
            "blur_threshold": models.thresholds.blur_threshold,
        },
        started_by=started_by,
        created_at=now,
        heartbeat=now,
    )


def _activate_run(collection: Collection, run: Run) -> None:
    """Claim a collection for a run by compare-and-set; the claim of an ended run is replaced."""
    check_no_removal(collection.path)
    other = find_run(collection.active_run) if collection.active_run != run.id else None
    if other is not None and other.is_active:
        raise _active(collection.path, run_id=other.id)
    taken = Collection.objects(path=collection.path, active_run=collection.active_run).modify(
        set__active_run=run.id, set__newest_run=run.id, new=True
    )
    if taken is None:
        fresh = Collection.objects(path=collection.path).first()
        raise _active(collection.path, run_id="" if fresh is None else fresh.active_run)
    try:
        check_no_removal(collection.path)  # one that has started since the first check
    except CollectionBusy:
        Collection.objects(path=collection.path, active_run=run.id).modify(
            set__active_run="", set__newest_run=collection.newest_run
        )
        raise


def _active(path: str, *, run_id: str) -> RunActive:
    return RunActive(
        f"{path} is being clustered already; wait for that run or cancel it.", clustering_id=run_id
    )

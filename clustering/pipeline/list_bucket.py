"""List a bucket and write batches of new, changed and removed objects.

The bucket's listing is read whole and sorted by key, since a service may list in any order; then
it is compared with the stored images, which come sorted. Memory does not grow with the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath

from clustering.documents import (
    Batch,
    BatchState,
    Image,
    ImageState,
    Run,
)
from clustering.errors import RemovalsNeedConfirmation
from clustering.selectors import iter_collection_images
from storage.buckets import BucketObject, sorted_by_key
from storage.ignored import is_ignored
from storage.mongo import bulk_upsert

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif"}
    | {".gif", ".avif"}
)
CONTENT_REASONS = frozenset({"empty_file", "not_an_image", "unreadable_image"})
GONE_PER_BATCH = 500
REPORT_EVERY = 500
REMOVALS_UNASKED = 20  # known photos: fewer that are missing are removed without being confirmed


@dataclass
class Listing:
    """What a walk over the bucket has found so far.

    ``read`` counts the photos in the bucket's listing before the comparison, ``listed`` those that
    were compared, at most the run's ``max_images``. ``known`` counts the photos that were read in
    earlier runs, ``missing_known`` those of them that are gone.
    """

    read: int = 0
    listed: int = 0
    known: int = 0
    missing_known: int = 0
    other_files: int = 0
    unchanged: int = 0
    gone: int = 0
    todo: int = 0
    last_key: str = ""
    batches: int = 0
    changed: list[BucketObject] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def list_bucket(
    run: Run,
    *,
    objects: Iterable[BucketObject],
    report: Callable[[Listing], None],
) -> Listing:
    """Replace the run's batches and return the counts; ``report`` may stop it by raising."""
    Batch.objects(run=run.id).delete()
    found = Listing()
    with closing(sorted_by_key(_only_images(objects, found, report))) as images:
        first = islice(images, run.max_images or None)
        pairs = _side_by_side(iter_collection_images(run.collection), first)
        for compared, (stored, listed) in enumerate(pairs):
            if compared % REPORT_EVERY == 0:
                report(found)
            if listed is None:
                _add_removed(stored, run=run, found=found)
            else:
                _add_listed(listed, stored, run=run, found=found)
            _flush_batches(run, found, batch_size=run.batch_size, gone_size=GONE_PER_BATCH)
    _flush_batches(run, found, batch_size=1, gone_size=1)
    report(found)
    return found


def check_removals(run: Run, found: Listing, *, max_share: float) -> None:
    """Refuse to remove many of the photos that are known, unless the run was allowed to."""
    missing = found.missing_known
    if run.allow_removals or missing < REMOVALS_UNASKED or missing <= max_share * found.known:
        return
    raise RemovalsNeedConfirmation(
        f"{missing:,} of {found.known:,} known photos are not under {run.collection} any more, "
        "so nothing was removed and no face was lost. See that the folder or bucket is complete "
        "and run again. If the photos were removed on purpose, confirm it: by the button on the "
        "collection's page, with allow_removals=true, or with cluster_bucket --allow-removals."
    )


def is_image_key(key: str) -> bool:
    """Say whether a key has the suffix of an image; its content is checked later, by decoding."""
    return PurePosixPath(key).suffix.lower() in IMAGE_SUFFIXES


def _only_images(
    objects: Iterable[BucketObject], found: Listing, report: Callable[[Listing], None]
) -> Iterator[BucketObject]:
    """Pass images on and count everything else."""
    for count, item in enumerate(objects, start=1):
        if count % REPORT_EVERY == 0:
            report(found)
        if is_image_key(item.key):
            found.read += 1
            yield item
        else:
            found.other_files += 1


def _side_by_side(
    stored: Iterator[Image], listed: Iterator[BucketObject]
) -> Iterator[tuple[Image | None, BucketObject | None]]:
    """Merge two streams sorted by key into pairs, with None for a missing counterpart."""
    image, item = next(stored, None), next(listed, None)
    while image is not None or item is not None:
        if item is None or (image is not None and image.key < item.key):
            yield image, None
            image = next(stored, None)
        elif image is None or item.key < image.key:
            yield None, item
            item = next(listed, None)
        else:
            yield image, item
            image, item = next(stored, None), next(listed, None)


def _add_removed(stored: Image | None, *, run: Run, found: Listing) -> None:
    """Remember a stored image that the bucket no longer lists; one beyond the limit is not gone."""
    if stored is None:
        return
    # A photo under a name that is ignored now was no photo: it needs no confirmation to go.
    is_known = stored.state == ImageState.READ and not is_ignored(stored.key)
    found.known += is_known
    if run.max_images and found.listed >= run.max_images:
        return
    found.missing_known += is_known
    found.gone += 1
    found.missing.append(stored.key)


def _add_listed(item: BucketObject, stored: Image | None, *, run: Run, found: Listing) -> None:
    """Count an object, and add it to the next batch unless it is unchanged."""
    found.listed += 1
    found.last_key = item.key
    found.known += stored is not None and stored.state == ImageState.READ
    if stored is not None and not run.full and _is_known(item, stored, model=run.model):
        found.unchanged += 1
        return
    found.todo += 1
    found.changed.append(item)


def _is_known(item: BucketObject, stored: Image, *, model: str) -> bool:
    """Say whether reading an object again gives the same result: same version, same models."""
    if stored.tag != item.tag or stored.model != model:
        return False
    if stored.state == ImageState.READ:
        return not stored.reason
    return stored.reason in CONTENT_REASONS


def _flush_batches(run: Run, found: Listing, *, batch_size: int, gone_size: int) -> None:
    """Write full batches; with sizes of 1, also the rest."""
    if len(found.changed) >= batch_size:
        _write_batch(
            run,
            found,
            state=BatchState.PENDING,
            keys=[item.key for item in found.changed],
            tags=[item.tag for item in found.changed],
        )
        found.changed.clear()
    if len(found.missing) >= gone_size:
        _write_batch(run, found, state=BatchState.GONE, keys=list(found.missing), tags=[])
        found.missing.clear()


def _write_batch(
    run: Run, found: Listing, *, state: BatchState, keys: list[str], tags: list[str]
) -> None:
    """Write one batch; its id is derived from its position in the listing."""
    batch = Batch(
        id=f"{run.id}:{found.batches:07d}",
        run=run.id,
        claim=Batch.claim_key(run.id, state),
        state=state,
        keys=keys,
        tags=tags,
    )
    bulk_upsert(Batch, [batch])
    found.batches += 1

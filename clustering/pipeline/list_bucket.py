"""List a bucket and write batches of new, changed and removed objects.

The whole listing is read and sorted by key, since a service may list in any order. Then it is
merged with the stored images, which are read in key order. Memory use is bounded.
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
REMOVALS_UNASKED = 20  # fewer missing known photos are removed without confirmation


@dataclass
class Listing:
    """Counts of a listing in progress.

    ``read`` is the number of listed photos, ``listed`` of compared photos, at most the run's
    ``max_images``. ``known`` is the number of photos read in earlier runs, ``missing_known`` of
    those that are no longer listed.
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
    """Raise RemovalsNeedConfirmation if many known photos are missing and removal is not allowed.

    ``max_share`` is the share of known photos that may be removed without confirmation.
    """
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
    """Return whether a key has an image suffix; the content is checked when it is decoded."""
    return PurePosixPath(key).suffix.lower() in IMAGE_SUFFIXES


def _only_images(
    objects: Iterable[BucketObject], found: Listing, report: Callable[[Listing], None]
) -> Iterator[BucketObject]:
    """Yield images and count all other files."""
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
    """Record a stored image that is not listed; images beyond ``max_images`` are not removed."""
    if stored is None:
        return
    # Photos under names that are ignored by now are removed without confirmation.
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
    """Return whether reading an object again gives the same result: same version and models."""
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

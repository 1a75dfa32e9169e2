"""Batches of objects: claimed by one worker at a time, released on failure, counted once.

Processing a batch is idempotent. A batch that repeatedly kills its worker is split into single
photos, and the photo that causes it is skipped: no single photo can fail a run.
"""

from __future__ import annotations

from collections import Counter

from django.utils import timezone

from clustering.context import PipelineContext
from clustering.documents import Batch, BatchState, Run
from clustering.errors import PhotoCrashed
from clustering.pipeline.read_photos import known_images, skip_photo, store_photos
from storage.leases import Lease, is_lease_live, take_lease
from storage.mongo import bulk_upsert

MAX_ATTEMPTS = 3
CLAIM_LOOK = 64


def has_open_batches(run_id: str) -> bool:
    """Say whether any batch of the run is pending or claimed."""
    return any(
        Batch.objects(claim=Batch.claim_key(run_id, state)).only("id").first() is not None
        for state in (BatchState.PENDING, BatchState.CLAIMED)
    )


def claim_batch(run_id: str) -> Batch | None:
    """Claim a pending batch, or one whose lease has expired; None without one."""
    pending = Batch.objects(claim=Batch.claim_key(run_id, BatchState.PENDING))
    claimed = Batch.objects(claim=Batch.claim_key(run_id, BatchState.CLAIMED))
    for candidates in (pending, claimed):
        for batch in candidates.limit(CLAIM_LOOK):
            if is_lease_live(batch):
                continue
            taken = take_lease(
                batch,
                set__claim=Batch.claim_key(run_id, BatchState.CLAIMED),
                set__state=BatchState.CLAIMED,
                inc__attempts=1,
            )
            if taken is not None:
                return taken
    return None


def release_batch(batch: Batch, lease: Lease, *, blameless: bool) -> None:
    """Return a batch to pending; ``blameless`` (a store was unavailable) counts no attempt."""
    lease.commit(
        set__claim=Batch.claim_key(batch.run, BatchState.PENDING),
        set__state=BatchState.PENDING,
        set__attempts=batch.attempts - 1 if blameless else batch.attempts,
    )


def process_batch(batch: Batch, *, run: Run, lease: Lease, context: PipelineContext) -> bool:
    """Process a claimed batch and add its counts to the run; False if the lease was lost."""
    if batch.attempts > MAX_ATTEMPTS and len(batch.keys) > 1:
        return _split_batch(batch, lease=lease)
    if batch.attempts > MAX_ATTEMPTS:
        skip_photo(
            batch.keys[0],
            batch.tags[0],
            run=run,
            refusal=PhotoCrashed("Reading this photo failed in an unforeseen way, three times."),
        )
        counts = Counter(done=1, failed=1)
    else:
        counts = store_photos(
            list(zip(batch.keys, batch.tags, strict=True)),
            run=run,
            context=context,
            known=known_images(batch.keys, run=run),
            check=lease.check,
        )
    done = Batch.claim_key(batch.run, BatchState.DONE)
    if not lease.commit(set__claim=done, set__state=BatchState.DONE):
        return False
    Run.objects(id=run.id).update_one(
        set__heartbeat=timezone.now(),
        set__waiting_for="",
        **{f"inc__{name}": number for name, number in counts.items() if number},
    )
    return True


def _split_batch(batch: Batch, *, lease: Lease) -> bool:
    """Replace a batch that repeatedly kills its worker by batches of one photo."""
    lease.check()
    bulk_upsert(
        Batch,
        [
            Batch(
                id=f"{batch.id}.{number:02d}",
                run=batch.run,
                claim=Batch.claim_key(batch.run, BatchState.PENDING),
                keys=[key],
                tags=[tag],
            )
            for number, (key, tag) in enumerate(zip(batch.keys, batch.tags, strict=True))
        ],
    )
    done = Batch.claim_key(batch.run, BatchState.DONE)
    return lease.commit(set__claim=done, set__state=BatchState.DONE)

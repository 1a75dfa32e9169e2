"""Batches of objects: taken by one worker at a time, given back, counted once.

A batch may run twice and changes nothing by it. One that keeps killing its worker is cut into
single photos, and the photo that does it is skipped: no photo ends a run.
"""

from __future__ import annotations

from collections import Counter

from django.utils import timezone

from clustering.documents import Batch, BatchState, Run
from clustering.errors import PhotoCrashed
from clustering.pipeline.photos import photo_skip, photos_known, photos_store
from clustering.pipeline.tools import Tools
from storage.leases import Lease, lease_is_live, lease_take
from storage.mongo import bulk_upsert

MAX_ATTEMPTS = 3
CLAIM_LOOK = 64


def batches_left(run_id: str) -> bool:
    """Say whether any batch of the run still has to be done."""
    return any(
        Batch.objects(claim=Batch.claim_key(run_id, state)).only("id").first() is not None
        for state in (BatchState.PENDING, BatchState.CLAIMED)
    )


def batch_claim(run_id: str) -> Batch | None:
    """Take a waiting batch, or one whose worker has died; None when there is none to take."""
    pending = Batch.objects(claim=Batch.claim_key(run_id, BatchState.PENDING))
    claimed = Batch.objects(claim=Batch.claim_key(run_id, BatchState.CLAIMED))
    for candidates in (pending, claimed):
        for batch in candidates.limit(CLAIM_LOOK):
            if lease_is_live(batch):
                continue
            taken = lease_take(
                batch,
                set__claim=Batch.claim_key(run_id, BatchState.CLAIMED),
                set__state=BatchState.CLAIMED,
                inc__attempts=1,
            )
            if taken is not None:
                return taken
    return None


def batch_release(batch: Batch, lease: Lease, *, blameless: bool) -> None:
    """Give a batch back undone; a blameless one (a store was away) does not count as an attempt."""
    lease.commit(
        set__claim=Batch.claim_key(batch.run, BatchState.PENDING),
        set__state=BatchState.PENDING,
        set__attempts=batch.attempts - 1 if blameless else batch.attempts,
    )


def batch_work(batch: Batch, *, run: Run, lease: Lease, tools: Tools) -> bool:
    """Read a claimed batch and count it on its run; False if the lease was lost at the end."""
    if batch.attempts > MAX_ATTEMPTS and len(batch.keys) > 1:
        return _batch_split(batch, lease=lease)
    if batch.attempts > MAX_ATTEMPTS:
        photo_skip(
            batch.keys[0],
            batch.tags[0],
            run=run,
            refusal=PhotoCrashed("Reading this photo failed in an unforeseen way, three times."),
        )
        counts = Counter(done=1, failed=1)
    else:
        counts = photos_store(
            list(zip(batch.keys, batch.tags, strict=True)),
            run=run,
            tools=tools,
            known=photos_known(batch.keys, run=run),
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


def _batch_split(batch: Batch, *, lease: Lease) -> bool:
    """Replace a batch that keeps killing its worker by single photos, to find the culprit."""
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

"""Keep a collection to oneself while something is removed from it, or repaired.

A run claims the collection by one update of it, a removal by a lease of its own. Each checks for
the other after its own claim, so that if both start at once, at least one of them gives up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mongoengine.errors import NotUniqueError

from clustering.documents import Batch, BatchState, Collection, Removal, Run, RunState
from clustering.errors import CollectionBusy, RunActive
from storage.leases import Lease, is_lease_live, keep_lease, take_lease


@contextmanager
def lock_collection(path: str) -> Iterator[Lease]:
    """Lock a collection against runs and other removals, and yield the lease.

    Raises CollectionBusy or RunActive. Expired leases and ended runs do not block.
    """
    held = take_lease(_removal(path))
    if held is None:
        raise _busy(path)
    with keep_lease(held) as lease:
        try:
            _check_idle(path)
            yield lease
        finally:
            Removal.objects(id=path, lease_owner=held.lease_owner).delete()


def check_no_removal(path: str) -> None:
    """Raise CollectionBusy while a removal in the collection is in progress."""
    removal = Removal.objects(id=path).first()
    if removal is not None and is_lease_live(removal):
        raise _busy(path)


def check_no_workers(run: Run) -> None:
    """Raise RunActive if a worker still reads photos for a run that has ended."""
    if run.state == RunState.FINISHED:
        return
    for batch in Batch.objects(claim=Batch.claim_key(run.id, BatchState.CLAIMED)):
        if is_lease_live(batch):
            raise RunActive(
                "A worker has not noticed yet that the run has ended; try again in a minute.",
                clustering_id=run.id,
            )


def _removal(path: str) -> Removal:
    """Get or create the collection's removal; raise CollectionBusy if its lease is live."""
    removal = Removal.objects(id=path).first()
    if removal is None:
        try:
            return Removal(id=path).save(force_insert=True)
        except NotUniqueError as error:  # created by another process in the meantime
            raise _busy(path) from error
    if is_lease_live(removal):
        raise _busy(path)
    return removal


def _check_idle(path: str) -> None:
    """Raise RunActive if the collection has an active run; a claim of an ended run is ignored."""
    collection = Collection.objects(path=path).first()
    run_id = collection.active_run if collection is not None else ""
    run = Run.objects(id=run_id).first() if run_id else None
    if run is not None and run.is_active:
        raise RunActive(
            f"{path} is being clustered; cancel that run or wait until it ends.",
            clustering_id=run_id,
        )


def _busy(path: str) -> CollectionBusy:
    return CollectionBusy(f"{path} is being repaired or removed in part; try again in a minute.")

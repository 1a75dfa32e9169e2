"""Keep a collection to oneself while something is removed from it, or repaired.

A run takes a collection by one update of it, a removal by a lease of its own; each looks for the
other after it has taken, so that one of two that begin at once, or both, step back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mongoengine.errors import NotUniqueError

from clustering.documents import Batch, BatchState, Collection, Removal, Run, RunState
from clustering.errors import CollectionBusy, RunActive
from storage.errors import Unavailable, unavailable_from
from storage.leases import Lease, extend_in_background, is_lease_live, take_lease


@contextmanager
def lock_collection(path: str) -> Iterator[Lease]:
    """Keep runs and other removals away; refuse while a run works. Dead holders do not count."""
    held = take_lease(_removal(path))
    if held is None:
        raise _busy(path)
    lease = Lease(held)
    try:
        with extend_in_background(lease, or_on_error=_is_unavailable):
            _check_idle(path)
            yield lease
    finally:
        Removal.objects(id=path, lease_owner=held.lease_owner).delete()


def check_no_removal(path: str) -> None:
    """Refuse a collection from which something is being removed."""
    removal = Removal.objects(id=path).first()
    if removal is not None and is_lease_live(removal):
        raise _busy(path)


def check_no_workers(run: Run) -> None:
    """Refuse a run that has ended while one of its workers still reads photos."""
    if run.state == RunState.FINISHED:
        return
    for batch in Batch.objects(claim=Batch.claim_key(run.id, BatchState.CLAIMED)):
        if is_lease_live(batch):
            raise RunActive(
                "A worker has not noticed yet that the run has ended; try again in a minute.",
                clustering_id=run.id,
            )


def _removal(path: str) -> Removal:
    """Return the collection's removal, written now if there is none; refuse one that is alive."""
    removal = Removal.objects(id=path).first()
    if removal is None:
        try:
            return Removal(id=path).save(force_insert=True)
        except NotUniqueError as error:  # another was faster between the two lines
            raise _busy(path) from error
    if is_lease_live(removal):
        raise _busy(path)
    return removal


def _check_idle(path: str) -> None:
    """Refuse a collection whose run works; a claim that a dead run left does not count."""
    collection = Collection.objects(path=path).first()
    run_id = collection.active_run if collection is not None else ""
    run = Run.objects(id=run_id).first() if run_id else None
    if run is not None and run.is_active:
        raise RunActive(
            f"{path} is being clustered; cancel that run or wait for its end.",
            clustering_id=run_id,
        )


def _busy(path: str) -> CollectionBusy:
    return CollectionBusy(f"{path} is being repaired or removed in part; try again in a minute.")


def _is_unavailable(error: BaseException) -> bool:
    return isinstance(error, Unavailable) or unavailable_from(error) is not None

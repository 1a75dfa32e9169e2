"""Remove a run and its groups. Safe to repeat after a crash.

Readers are told first, by one update of the collection; then goes what they cannot see any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.utils import timezone

from clustering.documents import Batch, Collection, Run, RunState
from clustering.held import collection_held, workers_check
from clustering.pipeline.tidy import groups_remove, payloads_write, slices
from clustering.selectors import collection_get, run_find, run_get, runs_all
from storage.leases import Lease
from storage.vectors import VectorStore, Where


@dataclass(frozen=True)
class RunRemoval:
    """How many things went with a run, by kind, and which run readers see now, "" for none."""

    run: Run
    removed: Counter[str]
    current_run: str


def run_remove(run: Run, *, vectors: VectorStore) -> RunRemoval:
    """Remove an ended run, and its groups unless another run shares them.

    If it was the one readers saw, they see the newest other finished run that still has its
    groups; without one, the collection reads as never clustered, and its faces stay.
    """
    with collection_held(run.collection) as lease:
        run = run_get(run.id)
        workers_check(run)
        others = [one for one in runs_all(run.collection) if one.id != run.id]
        collection = _readers_move(run, others)
        _payloads_move(run, run_find(collection.current_run), vectors=vectors, lease=lease)
        shared = {one.clusters_run for one in others if _has_groups(one)}
        removed: Counter[str] = Counter()
        for groups in {run.id, run.clusters_run} - shared:
            lease.check()
            removed += groups_remove(groups)
        removed["batches"] = Batch.objects(run=run.id).delete()
        removed["runs"] = Run.objects(id=run.id).delete()
        return RunRemoval(run, removed, collection.current_run)


def vector_ids(vectors: VectorStore, embedder: str, where: Where) -> list[str]:
    """Return the ids of the vectors a filter finds."""
    found = vectors.iter_payloads(embedder, where)
    return [face_id for stored in found for face_id, _ in stored]


def _readers_move(run: Run, others: list[Run]) -> Collection:
    """Point the collection's readers to other runs, by one update; return it as it is then."""
    collection = collection_get(run.collection)
    changes: dict[str, object] = {}
    if collection.current_run == run.id:
        changes["set__current_run"] = next((one.id for one in others if _can_be_read(one)), "")
        changes["set__regroup"] = True  # what came since is in none of the groups readers see now
    if collection.newest_run == run.id:
        changes["set__newest_run"] = others[0].id if others else ""
    if not changes:
        return collection
    changes["set__updated_at"] = timezone.now()
    return Collection.objects(path=run.collection).modify(new=True, **changes)


def _can_be_read(run: Run) -> bool:
    """Say whether readers may be shown a run: a preview waits until somebody applies it."""
    return _has_groups(run) and not run.preview


def _has_groups(run: Run) -> bool:
    """Say whether a run is finished and its clusters are still stored."""
    return run.state == RunState.FINISHED and not run.forgotten


def _payloads_move(run: Run, current: Run | None, *, vectors: VectorStore, lease: Lease) -> None:
    """Let no vector name the run's groups, unless those are what readers see.

    Asks the vectors, not the collection: a crash may have moved the readers already.
    """
    if current is not None and current.clusters_run == run.clusters_run:
        return
    where = {"collection": run.collection, "run": run.clusters_run}
    if not vectors.count(run.embedder, where):
        return
    if current is not None:
        payloads_write(current, vectors=vectors, check=lease.check)
    for ids in slices(vector_ids(vectors, run.embedder, where)):
        lease.check()
        vectors.set_payload(run.embedder, ids, {"run": "", "cluster": ""})

"""Delete a run with its groups, or all stored data of a collection. Idempotent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from clustering.decisions.documents import DecidedFace, Decision
from clustering.documents import (
    Batch,
    Cluster,
    ClusterSizes,
    Collection,
    Face,
    Image,
    Member,
    Run,
    RunState,
    collection_sort_key,
)
from clustering.locks import check_no_workers, lock_collection
from clustering.merge_suggestions import MergeSuggestions
from clustering.pipeline.cleanup import remove_groups, slices, write_payloads
from clustering.pipeline.neighbour_pairs import graph_id
from clustering.selectors import find_run, get_collection, get_run, iter_runs
from clustering.signals import collection_purged
from storage.leases import Lease
from storage.mongo import PREFIX_END, bulk_delete, iter_fields, prefix_range
from storage.pictures import PictureStore
from storage.vectors import VectorStore, Where


@dataclass(frozen=True)
class RunDeletion:
    """Counts of removed documents by kind, and the current run after the deletion ("": none)."""

    run: Run
    removed: Counter[str]
    current_run: str


def remove_run(run: Run, *, vectors: VectorStore) -> RunDeletion:
    """Remove an ended run, and its groups unless another run shares them.

    If it was the current run, the newest other finished run that still has groups becomes current;
    without one, the collection appears as never clustered, and its faces are kept.
    """
    with lock_collection(run.collection) as lease:
        run = get_run(run.id)
        check_no_workers(run)
        others = [one for one in iter_runs(run.collection) if one.id != run.id]
        collection = _move_readers(run, others)
        _move_payloads(run, find_run(collection.current_run), vectors=vectors, lease=lease)
        shared = {one.clusters_run for one in others if _has_groups(one)}
        removed: Counter[str] = Counter()
        for groups in {run.id, run.clusters_run} - shared:
            lease.check()
            removed += remove_groups(groups)
        removed["batches"] = Batch.objects(run=run.id).delete()
        removed["runs"] = Run.objects(id=run.id).delete()
        return RunDeletion(run, removed, collection.current_run)


def vector_ids(vectors: VectorStore, embedder: str, where: Where) -> list[str]:
    """Return the ids of the vectors that match a filter."""
    found = vectors.iter_payloads(embedder, where)
    return [face_id for stored in found for face_id, _ in stored]


def _move_readers(run: Run, others: list[Run]) -> Collection:
    """Replace the current and newest run if they are ``run``, atomically; return the collection."""
    collection = get_collection(run.collection)
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
    """Say whether a run can become the current one; a preview must be applied first."""
    return _has_groups(run) and not run.preview


def _has_groups(run: Run) -> bool:
    """Say whether a run is finished and its clusters are still stored."""
    return run.state == RunState.FINISHED and not run.forgotten


def _move_payloads(run: Run, current: Run | None, *, vectors: VectorStore, lease: Lease) -> None:
    """Remove references to the run's groups from the payloads, unless these groups are current.

    Checks the vectors, not the collection: after a crash the current run may be replaced already.
    """
    if current is not None and current.clusters_run == run.clusters_run:
        return
    where = {"collection": run.collection, "run": run.clusters_run}
    if not vectors.count(run.embedder, where):
        return
    if current is not None:
        write_payloads(current, vectors=vectors, check=lease.check)
    for ids in slices(vector_ids(vectors, run.embedder, where)):
        lease.check()
        vectors.set_payload(run.embedder, ids, {"run": "", "cluster": ""})


@dataclass(frozen=True)
class PurgeReceipt:
    """Counts by kind of what a purge removed, and of what a check afterwards still found."""

    path: str
    removed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """Say whether nothing is left."""
        return not self.left.total()


def purge_collection(
    path: str,
    *,
    vectors: VectorStore,
    crops: PictureStore,
    graphs: PictureStore,
    embedders: Iterable[str],
) -> PurgeReceipt:
    """Remove images, faces, vectors, crops, runs, groups and decisions of a collection.

    The photos stay in the bucket. ``embedders`` are those that may have stored vectors, in addition
    to those of the collection's runs.
    """
    get_collection(path)
    with lock_collection(path) as lease:
        runs = list(iter_runs(path))
        for run in runs:
            check_no_workers(run)
        Collection.objects(path=path).modify(set__current_run="", set__newest_run="")
        known = dict.fromkeys([*embedders, *(run.embedder for run in runs)])
        receipt = PurgeReceipt(path)
        receipt.removed["images"] = Image.objects(__raw__=_range(path)).delete()
        _delete_faces(
            receipt, vectors=vectors, crops=crops, embedders=list(known), check=lease.check
        )
        for run in runs:
            lease.check()
            receipt.removed.update(_delete_run(run))
        receipt.removed["decisions"] = Decision.objects(__raw__=_range(path)).delete()
        receipt.removed["decided_faces"] = DecidedFace.objects(__raw__=_range(path)).delete()
        graphs.delete([graph_id(path)])
        collection_purged.send(sender=Collection, path=path)
        receipt.left.update(_remaining_documents(path, runs))
        if receipt.is_complete:
            receipt.removed["collections"] = Collection.objects(path=path).delete()
        return receipt


def _delete_faces(
    receipt: PurgeReceipt,
    *,
    vectors: VectorStore,
    crops: PictureStore,
    embedders: list[str],
    check: Callable[[], None],
) -> None:
    """Remove faces with crops and vectors, including vectors that a crash left without a face."""
    where = {"collection": receipt.path}
    faces = _ids(Face, _range(receipt.path))
    stored = {one: vector_ids(vectors, one, where) for one in embedders}
    for ids in slices(
        list(dict.fromkeys([*faces, *(i for some in stored.values() for i in some)]))
    ):
        check()
        crops.delete(ids)
        receipt.left["crops"] += len(ids) - len(crops.missing(ids))
        for embedder in embedders:
            vectors.delete(embedder, ids)
        bulk_delete(Face, ids)
        receipt.removed["crops"] += len(ids)
    receipt.left["vectors"] += sum(vectors.count(one, where) for one in embedders)
    receipt.removed.update(
        faces=len(faces), vectors=sum(map(len, stored.values())) - receipt.left["vectors"]
    )
    receipt.removed["crops"] -= receipt.left["crops"]


def _delete_run(run: Run) -> Counter[str]:
    """Remove a run, its groups and batches, including groups of an already deleted run."""
    removed: Counter[str] = Counter()
    for groups in {run.id, run.clusters_run}:
        removed += remove_groups(groups)
    removed["batches"] = Batch.objects(run=run.id).delete()
    removed["runs"] = Run.objects(id=run.id).delete()
    return removed


def _remaining_documents(path: str, runs: list[Run]) -> Counter[str]:
    """Count the documents that a purge should have removed."""
    left = Counter(
        images=len(_ids(Image, _range(path))),
        faces=len(_ids(Face, _range(path))),
        decisions=len(_ids(Decision, _range(path))),
        decided_faces=len(_ids(DecidedFace, _range(path))),
        runs=len(_ids(Run, _range(path))),
    )
    for run_id in {name for run in runs for name in (run.id, run.clusters_run)}:
        groups = {"place": {"$gte": f"{run_id}/", "$lt": f"{run_id}/{PREFIX_END}"}}
        left["clusters"] += len(_ids(Cluster, groups)) + len(_ids(ClusterSizes, {"_id": run_id}))
        left["clusters"] += len(_ids(MergeSuggestions, {"_id": run_id}))
        left["members"] += len(_ids(Member, groups))
        left["batches"] += len(_ids(Batch, {"run": run_id}))
    return left


def _ids(kind: Any, where: Mapping[str, object]) -> list[str]:
    """Return the ids of the documents that match a filter."""
    return [found["_id"] for found in iter_fields(kind, where, ["_id"])]


def _range(path: str) -> dict[str, object]:
    first = collection_sort_key(path, "")
    return {"place": prefix_range(first)}

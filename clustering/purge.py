"""Remove all that is stored of a collection. Safe to repeat after a crash.

Readers see nothing from the first step on. A face's document goes after its crop and vector, not
before: it is the only list of them. Runs go after the faces, because they name the embedders, and
the collection last, when a look has found nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clustering.decisions.documents import DecidedFace, Decision
from clustering.documents import (
    END_OF_PLACES,
    Batch,
    Cluster,
    ClusterSizes,
    Collection,
    Face,
    Image,
    Member,
    Run,
    collection_place,
)
from clustering.held import collection_held, workers_check
from clustering.pipeline.candidates import graph_id
from clustering.pipeline.tidy import groups_remove, slices
from clustering.proposals import Proposals
from clustering.removal import vector_ids
from clustering.selectors import collection_get, runs_all
from clustering.signals import collection_purged
from storage.crops import CropStore
from storage.mongo import bulk_delete, iter_fields
from storage.vectors import VectorStore


@dataclass(frozen=True)
class PurgeReceipt:
    """What a purge took away, and what a look afterwards still found, by kind of thing."""

    path: str
    removed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """Say whether nothing is left."""
        return not self.left.total()


def collection_purge(
    path: str,
    *,
    vectors: VectorStore,
    crops: CropStore,
    graphs: CropStore,
    embedders: Iterable[str],
) -> PurgeReceipt:
    """Remove images, faces, vectors, crops, runs, groups and what people decided.

    The photos stay in the bucket.

    ``embedders`` are those that may have left vectors, besides those the collection's runs name.
    """
    collection_get(path)
    with collection_held(path) as lease:
        runs = list(runs_all(path))
        for run in runs:
            workers_check(run)
        Collection.objects(path=path).modify(set__current_run="", set__newest_run="")
        known = dict.fromkeys([*embedders, *(run.embedder for run in runs)])
        receipt = PurgeReceipt(path)
        receipt.removed["images"] = Image.objects(__raw__=_range(path)).delete()
        _faces_remove(
            receipt, vectors=vectors, crops=crops, embedders=list(known), check=lease.check
        )
        for run in runs:
            lease.check()
            receipt.removed.update(_run_remove(run))
        receipt.removed["decisions"] = Decision.objects(__raw__=_range(path)).delete()
        receipt.removed["decided_faces"] = DecidedFace.objects(__raw__=_range(path)).delete()
        graphs.delete([graph_id(path)])
        collection_purged.send(sender=Collection, path=path)
        receipt.left.update(_documents_left(path, runs))
        if receipt.is_complete:
            receipt.removed["collections"] = Collection.objects(path=path).delete()
        return receipt


def _faces_remove(
    receipt: PurgeReceipt,
    *,
    vectors: VectorStore,
    crops: CropStore,
    embedders: list[str],
    check: Callable[[], None],
) -> None:
    """Remove faces with crop and vector, also vectors that a crash left without a face."""
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


def _run_remove(run: Run) -> Counter[str]:
    """Remove a run with its groups and batches, also groups whose own run is deleted already."""
    removed: Counter[str] = Counter()
    for groups in {run.id, run.clusters_run}:
        removed += groups_remove(groups)
    removed["batches"] = Batch.objects(run=run.id).delete()
    removed["runs"] = Run.objects(id=run.id).delete()
    return removed


def _documents_left(path: str, runs: list[Run]) -> Counter[str]:
    """Count what a purge should have removed from the document store."""
    left = Counter(
        images=len(_ids(Image, _range(path))),
        faces=len(_ids(Face, _range(path))),
        decisions=len(_ids(Decision, _range(path))),
        decided_faces=len(_ids(DecidedFace, _range(path))),
        runs=len(_ids(Run, _range(path))),
    )
    for run_id in {name for run in runs for name in (run.id, run.clusters_run)}:
        groups = {"place": {"$gte": f"{run_id}/", "$lt": f"{run_id}/{END_OF_PLACES}"}}
        left["clusters"] += len(_ids(Cluster, groups)) + len(_ids(ClusterSizes, {"_id": run_id}))
        left["clusters"] += len(_ids(Proposals, {"_id": run_id}))
        left["members"] += len(_ids(Member, groups))
        left["batches"] += len(_ids(Batch, {"run": run_id}))
    return left


def _ids(kind: Any, where: Mapping[str, object]) -> list[str]:
    """Return the ids of the documents a filter finds."""
    return [found["_id"] for found in iter_fields(kind, where, ["_id"])]


def _range(path: str) -> dict[str, object]:
    """Return the filter of a collection's documents."""
    first = collection_place(path, "")
    return {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}

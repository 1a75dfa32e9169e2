"""Clean-up after the switch: vector payloads, removed photos, groups of old runs. Idempotent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from clustering.context import PipelineContext
from clustering.decisions.state import DecisionState
from clustering.documents import (
    Batch,
    Cluster,
    ClusterSizes,
    Face,
    Image,
    Member,
    Run,
    RunState,
    emptied_sort_key,
    excluded_sort_key,
)
from clustering.merge_suggestions import MergeSuggestions
from clustering.pipeline.constraints import remember_decided_faces
from clustering.pipeline.face_table import faces_of_images, removed_keys
from clustering.selectors import iter_collection_faces, iter_members, list_runs
from clustering.signals import groups_forgotten
from storage.mongo import PREFIX_END, bulk_delete
from storage.pictures import PictureStore
from storage.vectors import VectorStore

SLICE = 500
RUNS_LOOKED_AT = 1000


def write_payloads(run: Run, *, vectors: VectorStore, check: Callable[[], None]) -> None:
    """Write run and cluster to the payload of every member's vector, in slices per cluster."""
    for label, ids in _ids_by_label(run):
        check()
        for part in slices(ids):
            vectors.set_payload(run.embedder, part, {"run": run.clusters_run, "cluster": label})


def clean_up_collection(
    run: Run,
    *,
    context: PipelineContext,
    runs_kept: int,
    state: DecisionState,
    check: Callable[[], None],
) -> None:
    """Remove faces and images that are gone from the bucket, and the groups of old runs."""
    present = faces_of_images(run, beyond_reach=True)
    stale = [face for face in iter_collection_faces(run.collection) if face.id not in present]
    for part in slices(stale):
        check()
        remember_decided_faces(part, state, vectors=context.vectors)
        remove_faces(part, vectors=context.vectors, crops=context.crops)
    for part in slices(sorted(removed_keys(run))):
        check()
        bulk_delete(Image, [Image.id_for(run.collection, key) for key in part])
    check()
    _remove_old_runs(run, keep=runs_kept)
    Batch.objects(run=run.id).delete()


def remove_faces(faces: list[Face], *, vectors: VectorStore, crops: PictureStore) -> None:
    """Remove faces from all stores: document, then vector, then crop."""
    bulk_delete(Face, [face.id for face in faces])
    for embedder in {face.embedder for face in faces}:
        vectors.delete(embedder, [face.id for face in faces if face.embedder == embedder])
    crops.delete([face.id for face in faces])


def remove_groups(run_id: str) -> Counter[str]:
    """Remove the clusters and members stored under a run's id; return counts by kind.

    Receivers of ``groups_forgotten`` remove dependent data first.
    """
    groups_forgotten.send(sender=Run, run_id=run_id)
    ClusterSizes.objects(run=run_id).delete()
    MergeSuggestions.objects(run=run_id).delete()
    removed = Counter[str]()
    for name, kind, first in (
        ("members", Member, f"{run_id}/"),
        ("clusters", Cluster, f"{run_id}/"),
        ("clusters", Cluster, emptied_sort_key(run_id, "")),
        ("members", Member, excluded_sort_key(run_id)),
    ):
        places = {"sort_key__gte": first, "sort_key__lt": first + PREFIX_END}
        removed[name] += kind.objects(**places).delete()
    return removed


def slices(items: list) -> Iterator[list]:
    """Yield slices of at most SLICE items."""
    for first in range(0, len(items), SLICE):
        yield items[first : first + SLICE]


def _remove_old_runs(run: Run, *, keep: int) -> None:
    """Remove the groups of old runs that no kept run shares; the run document stays as history."""
    runs = list_runs(run.collection, limit=RUNS_LOOKED_AT)
    ended = [one for one in runs if _was_current(one) or one.id == run.id]
    used = {run.clusters_run, *(one.clusters_run for one in ended[:keep])}
    kept = {run.id, *(one.id for one in ended[:keep])}
    for one in runs:
        if one.id in kept or one.forgotten:
            continue
        for groups in {one.id, one.clusters_run} - used:  # the run it shares may be deleted
            remove_groups(groups)
        Run.objects(id=one.id).update_one(set__forgotten=True)


def _was_current(run: Run) -> bool:
    """Say whether a run was a current run.

    Previews are excluded: one made before the switch cannot be applied any more.
    """
    return run.state == RunState.FINISHED and not run.preview


def _ids_by_label(run: Run) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, face ids) cluster by cluster."""
    label, ids = "", list[str]()
    for member in iter_members(run):
        if member.cluster != label and ids:
            yield label, ids
            ids = []
        label = member.cluster
        ids.append(member.face)
    if ids:
        yield label, ids

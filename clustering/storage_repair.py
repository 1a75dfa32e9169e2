"""Repair the differences that a comparison of the stores found: restore first, remove last.

Anything that can be recomputed from a photo is kept. A vector or cluster member is removed only if
its face is no longer among the photo's faces, or if the photo is stored nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from clustering.context import PipelineContext
from clustering.decisions.cluster_counts import create_cluster, recount_cluster
from clustering.decisions.event_log import load_state
from clustering.decisions.projection import block_decisions
from clustering.decisions.snapshot import members_by_face
from clustering.decisions.state import DecisionState
from clustering.documents import (
    NO_CLUSTER,
    NOISE,
    Cluster,
    ClusterSizes,
    Collection,
    Member,
    Run,
)
from clustering.pipeline.cleanup import slices, write_payloads
from clustering.pipeline.constraints import rewrite_verdicts
from clustering.pipeline.identity import new_person
from clustering.pipeline.restore_photos import VANISHED, Lost, Restored, restore_photos
from clustering.selectors import get_faces_by_id, get_run, iter_collection_images
from clustering.storage_check import StorageReport
from storage.errors import NoSuchBucket, StoreUnavailable
from storage.mongo import bulk_delete, iter_fields, prefix_range
from storage.names import CollectionName

NOT_FOUND_AGAIN = "not_found_again"


@dataclass
class StorageRepair:
    """Result of a repair; ``not_restored`` maps photos to why their faces are incomplete."""

    vectors_removed: int = 0
    photos_read_again: int = 0
    faces_recomputed: int = 0
    faces_restored: int = 0
    members_removed: int = 0
    clusters_recounted: int = 0
    not_restored: dict[str, str] = field(default_factory=dict)


def repair_stores(
    run: Run, report: StorageReport, *, context: PipelineContext, check: Callable[[], None]
) -> StorageRepair:
    """Restore lost faces from their photos, then remove records that belong to no photo.

    ``check`` is called between the steps and stops the work by raising. If the bucket cannot be
    read, StoreUnavailable is raised and nothing is removed.
    """
    incomplete = _incomplete_keys(report)
    keys = sorted((incomplete | {*_doubted(report).values()}) - {""})
    try:
        check_bucket(run, context)
        lost = Lost(
            vectors={*report.mongodb_only},
            crops={*report.missing_crops, *report.damaged_crops},
        )
        restored = restore_photos(keys, lost=lost, run=run, context=context, check=check)
    except NoSuchBucket as error:
        raise _bucket_away(run) from error
    gone = _gone(report, restored)
    done = StorageRepair(
        photos_read_again=restored.photos,
        faces_recomputed=len(restored.faces),
        faces_restored=restored.documents,
        not_restored=_not_restored(report, restored, incomplete, gone),
    )
    rewrite_verdicts(load_state(run.collection), vectors=context.vectors)
    check()
    done.vectors_removed = _remove_vectors(report, gone, context)
    check()
    with block_decisions(run.collection):
        _repair_groups(run, report, gone, done=done)
    if report.wrong_cluster or done.members_removed:
        write_payloads(run, vectors=context.vectors, check=check)
    return done


def check_bucket(run: Run, context: PipelineContext) -> None:
    """Raise StoreUnavailable if the bucket lists nothing of a collection that has photos.

    An unmounted disk leaves an empty folder, which does not mean that the photos were deleted.
    """
    context.bucket.check()
    name = CollectionName.parse(run.collection)
    if not context.bucket.is_empty(name.prefix):
        return
    if next(iter_collection_images(run.collection), None) is not None:
        raise _bucket_away(run)


def mark_regroup(run: Run) -> None:
    """Make the next run of a collection group again even if no photo has changed."""
    Collection.objects(path=run.collection).update_one(set__regroup=True)


def _bucket_away(run: Run) -> StoreUnavailable:
    return StoreUnavailable(
        f"The photos of {run.collection} cannot be found now, so nothing was repaired or removed; "
        "see that the bucket, its folder and its mount are there, and repair again.",
        store="bucket",
    )


def _incomplete_keys(report: StorageReport) -> set[str]:
    """Return the keys of photos whose image or faces are incomplete."""
    incomplete = get_faces_by_id(
        sorted({*report.mongodb_only, *report.missing_crops, *report.damaged_crops})
    )
    keys = {str(face.key) for face in incomplete.values()}
    return keys | {*report.faces_missing.values(), *report.images_missing}


def _doubted(report: StorageReport) -> dict[str, str]:
    """Return the photo keys of vectors and members that no image lists, by face."""
    doubted = {face: key for ids in report.qdrant_only.values() for face, key in ids.items()}
    return doubted | {
        face: key
        for face, key in report.members_without_face.items()
        if face not in report.faces_missing
    }


def _not_restored(
    report: StorageReport, restored: Restored, incomplete: Iterable[str], gone: set[str]
) -> dict[str, str]:
    """Return by key why photos could not be used, for photos that are still inconsistent."""
    kept = {key for face, key in _doubted(report).items() if face not in gone}
    about = {*incomplete, *kept}
    reasons = {key: reason for key, reason in restored.failed.items() if key in about}
    for face, key in report.faces_missing.items():
        if key in restored.found and face not in restored.found[key]:
            reasons.setdefault(key, NOT_FOUND_AGAIN)
    return reasons


def _gone(report: StorageReport, restored: Restored) -> set[str]:
    """Return the faces of vectors and members that no longer belong to any photo.

    A photo that exists but cannot be read gives no evidence, so its faces are kept.
    """
    gone: set[str] = set()
    for face, key in _doubted(report).items():
        is_read = not key or key in restored.found
        if (is_read and face not in restored.found.get(key, ())) or restored.failed.get(
            key
        ) == VANISHED:
            gone.add(face)
    return gone


def _remove_vectors(report: StorageReport, gone: set[str], context: PipelineContext) -> int:
    """Remove vectors without a face and of another model than their face; return how many."""
    left_over = [(embedder, [*ids]) for embedder, ids in report.wrong_model.items()]
    left_over += [
        (embedder, [face for face in ids if face in gone])
        for embedder, ids in report.qdrant_only.items()
    ]
    for embedder, ids in left_over:
        for part in slices(ids):
            context.vectors.delete(embedder, part)
    return sum(len(ids) for _, ids in left_over)


def _repair_groups(run: Run, report: StorageReport, gone: set[str], *, done: StorageRepair) -> None:
    """Remove members whose face is gone, and recount wrong clusters."""
    groups, state = get_run(run.clusters_run), load_state(run.collection)
    members = members_by_face(groups.id, sorted(gone & report.members_without_face.keys()))
    bulk_delete(Member, [member.id for member in members.values()])
    left = {member.cluster for member in members.values()} - {*NO_CLUSTER}
    wrong = sorted(left | {*report.wrong_clusters})
    for label in wrong:
        if Cluster.objects(id=Cluster.id_for(groups.id, label)).first() is None:
            _restore_cluster(groups, label, state)
        recount_cluster(groups, label, covers=state.covers)
    if wrong:
        ClusterSizes.objects(run=groups.id).delete()
    done.members_removed, done.clusters_recounted = len(members), len(wrong)


def _restore_cluster(groups: Run, label: str, state: DecisionState) -> None:
    """Write a lost cluster document; its person is derived from the decided faces in it."""
    person = "" if label == NOISE else _person_of(groups, label, state.anchors())
    cluster = create_cluster(groups, label, person=person)
    cluster.version = state.version(person)
    cluster.save()


def _person_of(groups: Run, label: str, anchors: Mapping[str, str]) -> str:
    """Return the person of most decided faces of a cluster, or a new one without decided faces."""
    first = f"{groups.id}/{label}/"
    where = {"place": prefix_range(first)}
    said = Counter(
        anchors[row["face"]]
        for row in iter_fields(Member, where, ["face"])
        if row["face"] in anchors
    )
    return min(said, key=lambda one: (-said[one], one)) if said else new_person(groups.id, label)

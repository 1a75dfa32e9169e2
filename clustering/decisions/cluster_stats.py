"""Statistics of clusters that decisions changed, recomputed in the background.

Updates similarities, the order of faces, cohesion and covers, never the membership of a face. No
lock is needed: each face is updated only if it is still in the same cluster, and a cluster that
a decision changes in the meantime stays stale and is recomputed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from mongoengine import Document
from numpy.typing import NDArray

from clustering.decisions.cluster_counts import COVERS
from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state
from clustering.decisions.snapshot import members_of_cluster, snapshot_run
from clustering.documents import Cluster, Collection, Member, Run
from clustering.grouping import Grouping, describe_grouping
from clustering.selectors import IDS_PER_QUERY, current_run, get_faces_by_id, get_runs_by_id
from clustering.sizes import size_statistics
from storage.leases import now_ms
from storage.mongo import PREFIX_END, bulk_set, iter_fields, prefix_range
from storage.vectors import VectorStore

LARGE = 500  # faces
MS_PER_FACE = 10  # pause per face between two recomputations of a large cluster


def refresh_cluster_stats(path: str, *, vectors: VectorStore) -> int:
    """Recompute the stale clusters of the current run; return how many.

    A cluster that is changed by a decision in the meantime stays stale.
    """
    run = snapshot_run(path)
    with decision_state(path) as state:
        covers = dict(state.covers)
    stale = [one for one in list_stale_clusters(run) if _is_due(one)]
    for cluster in stale:
        if not cluster.is_noise:  # noise has no common centroid
            _describe(run, cluster, covers, vectors=vectors)
        values = {
            "covers": list(cluster.covers),
            "cohesion": cluster.cohesion,
            "newest": cluster.newest,
            "stale": "",
            "described_at": now_ms(),
        }
        bulk_set(Cluster, [(cluster.id, {"changed_by": cluster.changed_by}, values)])
    if stale:
        _count(path, run)
    return len(stale)


def list_stale_clusters(run: Run) -> list[Cluster]:
    """Return the clusters whose statistics are older than their members."""
    first = Cluster.id_for(run.id, "")
    return list(Cluster.objects(needs_stats__gte=first, needs_stats__lt=first + PREFIX_END))


def list_pending_collections() -> list[str]:
    """Return the collections with decisions or statistics to write.

    A few queries for all collections together: almost none has any. A log has no gaps, so it is
    behind if the decision after the last projected one exists.
    """
    current = {
        one["_id"]: one["current_run"]
        for one in iter_fields(Collection, {"current_run": {"$gt": ""}}, ["current_run"])
    }
    runs = get_runs_by_id(current.values())
    owners = get_runs_by_id(run.clusters_run for run in runs.values())
    owner_of = {
        path: owners[runs[run_id].clusters_run]
        for path, run_id in current.items()
        if run_id in runs and runs[run_id].clusters_run in owners
    }
    following = {
        Decision.id_for(path, owner.projected_seq + 1): path for path, owner in owner_of.items()
    }
    behind = {following[one] for one in _existing(Decision, list(following))}
    stale = {one["run"] for one in iter_fields(Cluster, {"stale": {"$gt": ""}}, ["run"])}
    return [path for path, owner in owner_of.items() if path in behind or owner.id in stale]


def _existing(kind: type[Document], ids: list[str]) -> Iterator[str]:
    for first in range(0, len(ids), IDS_PER_QUERY):
        wanted = {"_id": {"$in": ids[first : first + IDS_PER_QUERY]}}
        yield from (one["_id"] for one in iter_fields(kind, wanted, ["_id"]))


def _is_due(cluster: Cluster) -> bool:
    """Delay large clusters: recomputing them after every decision would stall the reviewers."""
    rest = MS_PER_FACE * cluster.face_count if cluster.face_count > LARGE else 0
    return now_ms() >= cluster.described_at + rest


def _count(path: str, run: Run) -> None:
    """Update the size statistics of the run, and of the current run that shares its groups."""
    first = f"{run.id}/"
    where = {"place": prefix_range(first)}
    rows = iter_fields(Cluster, where, ["label", "face_count"])
    sizes = {row["label"]: row["face_count"] for row in rows}
    seen = current_run(path)
    for one in {run.id: run, seen.id: seen}.values():
        images = int(one.stats.get("total_images", 0))
        stats = {**one.stats, **size_statistics(sizes, images=images)}
        Run.objects(id=one.id).update_one(set__stats=stats)


def _describe(
    run: Run, cluster: Cluster, covers: Mapping[str, str], *, vectors: VectorStore
) -> None:
    """Recompute order and similarity of a cluster's faces, its covers and its cohesion."""
    members = {one.face: one for one in members_of_cluster(run, cluster.label)}
    cluster.newest = max((one.taken for one in members.values()), default="")
    vectors_by_face = vectors.retrieve(run.embedder, list(members)) if members else {}
    faces = [face for face in members if face in vectors_by_face]
    if faces:
        described = _describe_members(faces, vectors_by_face)
        ranked = [faces[row] for row in np.lexsort((np.arange(len(faces)), -described.similarity))]
        alike = dict(zip(faces, described.similarity.tolist(), strict=True))
        bulk_set(Member, _changes(run, cluster, ranked, members, alike))
        best = [covers.get(cluster.person, ""), *cluster.covers[:1], faces[described.covers[0]]]
        cluster.covers = [one for one in dict.fromkeys([*best, *ranked]) if one in alike][:COVERS]
        cluster.cohesion = round(float(described.cohesion[0]), 6)


def _describe_members(
    faces: list[str], vectors_by_face: Mapping[str, NDArray[np.float32]]
) -> Grouping:
    known = get_faces_by_id(faces)
    quality = [known[face].quality_score if face in known else 0.0 for face in faces]
    return describe_grouping(
        np.stack([vectors_by_face[face] for face in faces]),
        np.zeros(len(faces), np.int64),
        np.asarray(quality, np.float32),
    )


def _changes(
    run: Run,
    cluster: Cluster,
    ranked: list[str],
    members: Mapping[str, Member],
    alike: Mapping[str, float],
) -> Iterator[tuple[str, dict[str, object], dict[str, object]]]:
    """Yield (id, condition, values) of changed members; the most typical faces come first."""
    for rank, face in enumerate(ranked):
        member, similarity = members[face], round(alike[face], 6)
        place = Member.sort_key_for(run.id, cluster.label, rank)
        if (member.sort_key, member.similarity) != (place, similarity):
            values = {"place": place, "similarity": similarity}
            yield member.id, {"cluster": cluster.label}, values

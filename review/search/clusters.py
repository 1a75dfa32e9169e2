"""Find the clusters most similar to a face: search for the nearest faces, then group by cluster.

The payload of vectors has a copy of run and cluster, which is outdated while a run becomes the
current run. So clusters, and whether a face takes part at all, are read from the members of the
current runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from assignments.documents import Assignment
from clustering.documents import NO_CLUSTER, NOISE, Cluster, Collection, Member, Run, Verdict
from clustering.selectors import get_collection, get_runs_by_id, list_collections
from profiles.selectors import get_profile_names
from storage.mongo import iter_fields
from storage.vectors import Hit, VectorStore, Where

HITS_PER_CLUSTER = 10
WIDER = 4  # factor of the number of hits, if they are in too few clusters
MAX_HITS = 1000
IDS_PER_QUERY = 100
SEARCHED = (Verdict.KEPT.value, Verdict.POOR.value)  # poor faces can be members, too


@dataclass(frozen=True)
class ClusterHit:
    """A cluster, or one face of the noise, with its most similar face and the assigned person.

    ``name`` is the person's name, or the user_id without a name, or "" if unassigned.
    """

    run: Run
    label: str
    face: str
    similarity: float
    face_count: int
    user_id: str | None
    name: str = ""


@dataclass(frozen=True)
class _Found:
    """A face found by a search, with its run and cluster label."""

    run: Run
    label: str
    hit: Hit

    @property
    def key(self) -> tuple[str, str]:
        """Return the key that hits are grouped by: the cluster, or in the noise the face."""
        return self.run.clusters_run, self.hit.id if self.label == NOISE else self.label

    @property
    def cluster(self) -> str:
        """Return the id of the cluster's document."""
        return Cluster.id_for(self.run.clusters_run, self.label)

    @property
    def assignment(self) -> str:
        """Return the id of the cluster's assignment."""
        return Assignment.id_for(self.run.clusters_run, self.label)


class ClusterSearch:
    """Search the current runs, as of the construction, of one collection or of all.

    ``others`` is the number of collections that are excluded because of another embedder.
    """

    def __init__(self, vectors: VectorStore, *, embedder: str, collection: str | None) -> None:
        self._vectors = vectors
        self._embedder = embedder
        seen = list_collections() if collection is None else [get_collection(collection)]
        runs = _current_runs(seen)
        self._runs = {path: run for path, run in runs.items() if run.embedder == embedder}
        # Excludes collections without a current run, whose faces would use up the limit of hits.
        self._where: Where = {"collection": list(self._runs), "verdict": SEARCHED}
        self.others = len(runs) - len(self._runs)

    def nearest(self, vector: NDArray[np.float32], *, limit: int) -> list[ClusterHit]:
        """Return up to ``limit`` clusters, by descending similarity of their best face to (d,)."""
        if not self._runs:
            return []
        asked = limit * HITS_PER_CLUSTER
        while True:
            hits = self._vectors.search(self._embedder, vector, limit=asked, where=self._where)
            found = self._placed(hits, limit=limit)
            if len(found) >= limit or len(hits) < asked or asked >= MAX_HITS:
                return _describe_hits(found) if found else []
            asked = min(asked * WIDER, MAX_HITS)

    def _placed(self, hits: Sequence[Hit], *, limit: int) -> list[_Found]:
        """Return the nearest face of each cluster, for up to ``limit`` clusters."""
        found: dict[tuple[str, str], _Found] = {}
        for first in range(0, len(hits), IDS_PER_QUERY):
            portion = hits[first : first + IDS_PER_QUERY]
            labels = _labels(portion, self._runs)
            for hit in portion:
                if hit.id in labels:
                    one = _Found(self._runs[hit.payload["collection"]], labels[hit.id], hit)
                    found.setdefault(one.key, one)
            if len(found) >= limit:
                break
        return list(islice(found.values(), limit))


def _current_runs(collections: Sequence[Collection]) -> dict[str, Run]:
    """Return the current runs, by collection."""
    runs = get_runs_by_id(one.current_run for one in collections)
    return {one.path: runs[one.current_run] for one in collections if one.current_run in runs}


def _labels(hits: Sequence[Hit], runs: Mapping[str, Run]) -> dict[str, str]:
    """Return the cluster labels of faces, by face, without faces that take no part in the run."""
    ids = [
        Member.id_for(runs[path].clusters_run, hit.id)
        for hit in hits
        if (path := hit.payload.get("collection", "")) in runs
    ]
    return {
        row["face"]: row["cluster"]
        for row in iter_fields(Member, {"_id": {"$in": ids}}, ["face", "cluster"])
        if row["cluster"] not in NO_CLUSTER
    }


def _describe_hits(found: Sequence[_Found]) -> list[ClusterHit]:
    """Add sizes and people; omit clusters that were deleted since the search."""
    counts = {
        row["_id"]: row["face_count"]
        for row in iter_fields(
            Cluster, {"_id": {"$in": [one.cluster for one in found]}}, ["face_count"]
        )
    }
    users = {
        one.id: str(one.user_id)
        for one in Assignment.objects(id__in=[one.assignment for one in found])
        if one.is_held
    }
    names = get_profile_names(users.values())
    return [
        ClusterHit(
            run=one.run,
            label=one.label,
            face=one.hit.id,
            similarity=one.hit.similarity,
            face_count=1 if one.label == NOISE else counts[one.cluster],
            user_id=(user_id := users.get(one.assignment)),
            name=names.get(user_id or "", user_id or ""),
        )
        for one in found
        if one.label == NOISE or one.cluster in counts
    ]

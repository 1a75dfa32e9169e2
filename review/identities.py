"""Identities of clusters: assigned people and suggestions. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assignments.documents import Assignment
from assignments.selectors import list_run_assignments
from clustering.documents import Run
from clustering.selectors import list_members
from profiles.gallery import Gallery
from profiles.selectors import get_profile_names
from review.search.people import PersonHit, search_people
from storage.vectors import VectorStore

IDS_PER_QUERY = 100
FACES_LOOKED_AT = 12  # most typical faces of a cluster


@dataclass(frozen=True)
class ClusterIdentity:
    """The person assigned to a cluster, the similarity, and the account that decided it."""

    user_id: str
    name: str
    similarity: float
    state: str
    decided_by: str

    @property
    def is_confirmed(self) -> bool:
        """Say whether a reviewer confirmed the assignment."""
        return self.state == "confirmed"


def cluster_identities(run: Run, labels: Iterable[str]) -> dict[str, ClusterIdentity]:
    """Return the identities of these clusters of a run, by label, without unassigned clusters."""
    ids = [Assignment.id_for(run.clusters_run, label) for label in labels]
    assigned = [
        one
        for first in range(0, len(ids), IDS_PER_QUERY)
        for one in Assignment.objects(id__in=ids[first : first + IDS_PER_QUERY])
        if one.is_held
    ]
    return _identity(assigned)


def all_cluster_identities(run: Run) -> dict[str, ClusterIdentity]:
    """Return the identities of all clusters of a run, by label, without unassigned clusters."""
    return _identity([one for one in list_run_assignments(run.clusters_run) if one.is_held])


def cluster_embedding(run: Run, label: str, *, vectors: VectorStore) -> NDArray[np.float32] | None:
    """Return the normalised mean embedding (d,) of a cluster's most typical faces.

    None if the vector store has none of them.
    """
    faces = [one.face for one in list_members(run, label, limit=FACES_LOOKED_AT)]
    found = vectors.retrieve(run.embedder, faces)
    if not found:
        return None
    total = np.sum(list(found.values()), axis=0)
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32) if length > 0 else None


def similar_people(
    embedding: NDArray[np.float32] | None,
    table: Gallery,
    *,
    embedder: str,
    limit: int,
    refused: Set[str] = frozenset(),
) -> list[PersonHit]:
    """Return the people most similar to an embedding (d,), without ``refused`` ids."""
    if embedding is None or not table.user_ids:
        return []
    [found] = search_people(embedding[None], table, embedder=embedder, limit=limit + len(refused))
    return [one for one in found if one.user_id not in refused][:limit]


def _identity(assigned: list[Assignment]) -> dict[str, ClusterIdentity]:
    names = get_profile_names({one.user_id for one in assigned})
    return {
        one.cluster: ClusterIdentity(
            user_id=one.user_id,
            name=names.get(one.user_id) or one.user_id,
            similarity=one.similarity,
            state=one.state.value,
            decided_by=one.decided_by,
        )
        for one in assigned
    }

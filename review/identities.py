"""Who the clusters on a screen are, and who they may be. Reads, never writes."""

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
FACES_LOOKED_AT = 12  # the most typical ones of a cluster


@dataclass(frozen=True)
class ClusterIdentity:
    """The person a cluster is, how sure that is, and who said so."""

    user_id: str
    name: str
    similarity: float
    state: str
    decided_by: str

    @property
    def is_confirmed(self) -> bool:
        """Say whether a person agreed."""
        return self.state == "confirmed"


def cluster_identities(run: Run, labels: Iterable[str]) -> dict[str, ClusterIdentity]:
    """Return who some clusters of a run are, by label; those of nobody are left out."""
    ids = [Assignment.id_for(run.clusters_run, label) for label in labels]
    held = [
        one
        for first in range(0, len(ids), IDS_PER_QUERY)
        for one in Assignment.objects(id__in=ids[first : first + IDS_PER_QUERY])
        if one.is_held
    ]
    return _identity(held)


def all_cluster_identities(run: Run) -> dict[str, ClusterIdentity]:
    """Return who all clusters of a run are, by label; those of nobody are left out."""
    return _identity([one for one in list_run_assignments(run.clusters_run) if one.is_held])


def cluster_embedding(run: Run, label: str, *, vectors: VectorStore) -> NDArray[np.float32] | None:
    """Return the mean direction (d,) of a cluster's most typical faces; None without vectors."""
    faces = [one.face for one in list_members(run, label, limit=FACES_LOOKED_AT)]
    found = vectors.retrieve(run.embedder, faces)
    if not found:
        return None
    total = np.sum(list(found.values()), axis=0)
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32) if length > 0 else None


def similar_people(
    look: NDArray[np.float32] | None,
    table: Gallery,
    *,
    embedder: str,
    limit: int,
    refused: Set[str] = frozenset(),
) -> list[PersonHit]:
    """Return the people most like a look (d,), the most similar first, without those refused."""
    if look is None or not table.user_ids:
        return []
    [found] = search_people(look[None], table, embedder=embedder, limit=limit + len(refused))
    return [one for one in found if one.user_id not in refused][:limit]


def _identity(held: list[Assignment]) -> dict[str, ClusterIdentity]:
    """Return whose clusters are, by label, with names."""
    names = get_profile_names({one.user_id for one in held})
    return {
        one.cluster: ClusterIdentity(
            user_id=one.user_id,
            name=names.get(one.user_id) or one.user_id,
            similarity=one.similarity,
            state=one.state.value,
            decided_by=one.decided_by,
        )
        for one in held
    }

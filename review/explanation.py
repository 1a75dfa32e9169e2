"""Explain why a face is in its cluster: similar faces, alternatives, decisions. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from clustering.decisions.documents import Decision
from clustering.decisions.event_log import get_decision
from clustering.decisions.state import DecisionState
from clustering.documents import NOISE, Cluster, Face, Member, Run
from clustering.selectors import get_cluster, list_members
from profiles.gallery import load_gallery
from review.identities import ClusterIdentity, PersonHit, cluster_identities, similar_people
from review.search.clusters import ClusterHit, ClusterSearch
from storage.vectors import VectorStore

NEAREST = 6
COMPARED = 200  # faces of the cluster, at most: confirmed ones, and as many most typical ones
DECISIONS_SHOWN = 20


@dataclass(frozen=True)
class Neighbour:
    """Another face of the cluster, its cosine similarity, and whether a reviewer placed it."""

    face: str
    similarity: float
    is_confirmed: bool


@dataclass(frozen=True)
class Explanation:
    """The reasons for a face's cluster.

    ``margin`` is the similarity to the nearest face of its cluster minus that to the best other
    cluster.
    """

    cluster: Cluster | None
    whose: ClusterIdentity | None
    rule: str
    neighbours: list[Neighbour]
    others: list[ClusterHit]
    margin: float | None
    people: list[PersonHit]
    decisions: list[Decision]


def explain_face(
    face: Face, run: Run, member: Member | None, state: DecisionState, *, vectors: VectorStore
) -> Explanation:
    """Return the explanation of a face's cluster; parts that need a missing vector are empty."""
    vector = vectors.retrieve(run.embedder, [face.id]).get(face.id)
    here = None if member is None else get_cluster(run, member.cluster)
    neighbours = [] if vector is None else _neighbours(face, run, here, state, vector, vectors)
    others = [] if vector is None else _others(run, here, vector, vectors)
    people = similar_people(
        vector, load_gallery(run.embedder), embedder=run.embedder, limit=NEAREST
    )
    mine = max((one.similarity for one in neighbours), default=None)
    return Explanation(
        cluster=here,
        whose=None if here is None else cluster_identities(run, [here.label]).get(here.label),
        rule=_rule(face, run, member, state),
        neighbours=neighbours[:NEAREST],
        others=others,
        margin=None if mine is None or not others else mine - others[0].similarity,
        people=people,
        decisions=[get_decision(one.id) for one in state.since(face.id, 0)[-DECISIONS_SHOWN:]],
    )


def _neighbours(
    face: Face,
    run: Run,
    here: Cluster | None,
    state: DecisionState,
    vector: NDArray[np.float32],
    vectors: VectorStore,
) -> list[Neighbour]:
    """Return other faces of the cluster, confirmed ones first, by descending similarity."""
    if here is None or here.is_noise:
        return []
    said = (one for one, (person, _) in state.attached.items() if state.root(person) == here.person)
    typical = [one.face for one in list_members(run, here.label, limit=COMPARED)]
    compared = {*islice(said, COMPARED), *typical} - {face.id}
    found = vectors.retrieve(run.embedder, sorted(compared))
    near = [
        Neighbour(one, float(other @ vector), one in state.attached) for one, other in found.items()
    ]
    near.sort(key=lambda one: (not one.is_confirmed, -one.similarity))
    return near


def _others(
    run: Run, here: Cluster | None, vector: NDArray[np.float32], vectors: VectorStore
) -> list[ClusterHit]:
    """Return the most similar other clusters."""
    search = ClusterSearch(vectors, embedder=run.embedder, collection=run.collection)
    own = "" if here is None else here.label
    near = search.nearest(vector, limit=NEAREST)
    return [one for one in near if one.label not in (own, NOISE)]


def _rule(face: Face, run: Run, member: Member | None, state: DecisionState) -> str:
    """Return a sentence with the rule that placed a face."""
    if member is None:
        if face.id in state.out:
            return "A reviewer marked it as not a face or ignored it."
        return (
            f"Excluded by the quality filter: {(face.reason or 'low quality').replace('_', ' ')}."
        )
    said = state.singletons.get(face.id) or state.attached.get(face.id, ("", ""))[1]
    if said:
        return f"Decided by {get_decision(said).by}; runs do not change it."
    if member.cluster == NOISE:
        return f"No group of {run.min_samples} faces is similar enough (strictness {run.eps:g})."
    return (
        f"Grouped automatically: {run.algorithm}, strictness {run.eps:g} (cosine distance), "
        f"minimum faces {run.min_samples}{', refined' if run.refine else ''}."
    )

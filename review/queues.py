"""Review queues, the most useful questions first. Read-only.

A queue is computed from the current state: an item leaves it as soon as any reviewer decides it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from statistics import fmean, pstdev
from typing import Any

from django.core.cache import caches

from assignments.selectors import list_run_assignments
from clustering import selectors
from clustering.decisions.state import DecisionState
from clustering.documents import (
    NOISE,
    Cluster,
    Face,
    Member,
    Run,
    collection_sort_key,
)
from clustering.merge_suggestions import list_open_suggestions
from clustering.selectors import get_cluster, get_clusters_by_label, list_members
from profiles.gallery import Gallery, load_gallery
from review.identities import (
    ClusterIdentity,
    PersonHit,
    cluster_embedding,
    cluster_identities,
    similar_people,
)
from review.search.clusters import ClusterHit, ClusterSearch
from storage.fields import TimestampField
from storage.mongo import iter_fields, prefix_range
from storage.vectors import VectorStore

STRIP = 4  # faces per cluster on a card
KEPT_S = 3600  # seconds to cache values that a finished run does not change
CHOICES = 5  # the number of keyboard shortcuts for choices
# A face is odd if its similarity to the centroid is below the cluster's mean by both limits.
ODD_PART = 0.2  # of eps
ODD_SPREAD = 2.0  # standard deviations


class Queue(StrEnum):
    """The queues, in the order of the page."""

    SAME = "same"
    ODD = "odd"
    WHO = "who"
    TRIAGE = "triage"
    NEW = "new"

    @property
    def asks(self) -> str:
        """Return the question of the queue."""
        return QUESTIONS[self]


QUESTIONS = {
    Queue.SAME: "Same person?",
    Queue.ODD: "Odd one out",
    Queue.WHO: "Who is this?",
    Queue.TRIAGE: "Triage",
    Queue.NEW: "New since your last visit",
}


@dataclass(frozen=True)
class Strip:
    """A cluster on a card: its most typical faces, and in ``behind`` the next most typical ones."""

    cluster: Cluster
    faces: list[Member]
    behind: list[Member]
    whose: ClusterIdentity | None


@dataclass(frozen=True)
class Card:
    """One question, with cluster labels of ``run``. Fields that a queue does not use stay empty."""

    key: str
    run: str = ""
    cluster: str = ""
    version: int | None = None
    face: Member | None = None
    similarity: float = 0.0
    strips: list[Strip] = field(default_factory=list)
    people: list[PersonHit] = field(default_factory=list)
    clusters: list[ClusterHit] = field(default_factory=list)


class ReviewQueues:
    """The queues of the current run, with the decision state of its collection.

    ``since`` is the time after which faces count as new.
    """

    def __init__(
        self, run: Run, state: DecisionState, *, vectors: VectorStore, since: datetime | None = None
    ) -> None:
        self._run, self._state, self._vectors, self._since = run, state, vectors, since

    def waiting(self, queue: Queue) -> list[str]:
        """Return the keys of all cards of a queue, in its order."""
        return list(_WAITING[queue](self))

    def card(self, queue: Queue, key: str) -> Card:
        """Return one card."""
        return replace(_CARDS[queue](self, key), run=self._run.clusters_run)

    def is_open(self, queue: Queue, key: str) -> bool:
        """Say whether a card is still unanswered."""
        if queue in (Queue.ODD, Queue.TRIAGE, Queue.NEW):
            return not self._state.is_decided(key)
        found = get_clusters_by_label(self._run, key.split("~"))
        persons = [one.person for one in found.values() if one.face_count]
        if queue == Queue.SAME:
            return len(persons) == 2 and not self._state.are_apart(*persons)
        return len(persons) == 1 and not cluster_identities(self._run, [key])

    @cached_property
    def _pairs(self) -> dict[str, float]:
        """Return the similarity of each merge suggestion, by the card's key."""
        proposed = list_open_suggestions(self._run, self._state)
        return {f"{one.cluster}~{one.other}": one.similarity for one in proposed}

    @cached_property
    def _table(self) -> Gallery:
        return load_gallery(self._run.embedder)

    @cached_property
    def _search(self) -> ClusterSearch:
        return ClusterSearch(
            self._vectors, embedder=self._run.embedder, collection=self._run.collection
        )

    def _same_waiting(self) -> Iterator[str]:
        return iter(self._pairs)

    def _same_card(self, key: str) -> Card:
        labels = key.split("~")
        strips = self._strips(labels)
        return Card(
            key,
            cluster=labels[0],
            version=self._version(strips[0].cluster),
            similarity=self._pairs[key],
            strips=strips,
        )

    def _odd_waiting(self) -> Iterator[str]:
        # Grouping alone determines the list, so it is cached; decided faces are filtered out after.
        kept = caches["memory"]
        found = kept.get_or_set(f"odd:{self._run.clusters_run}", self._odd_found, KEPT_S)
        return (face for face in found if not self._state.is_decided(face))

    def _odd_found(self) -> list[str]:
        """Return the outliers of all clusters, the largest deviation first."""
        alike: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for row in self._grouped("similarity"):
            alike[row["base"]].append((row["similarity"], row["face"]))
        found = (one for members in alike.values() for one in self._standing_out(members))
        return [face for _, face in sorted(found, reverse=True)]

    def _standing_out(self, members: list[tuple[float, str]]) -> Iterator[tuple[float, str]]:
        """Yield (deviation, face) for faces with a similarity far below the cluster's mean."""
        similarities = [similarity for similarity, _ in members]
        mean = fmean(similarities)
        limit = max(ODD_PART * self._run.eps, ODD_SPREAD * pstdev(similarities))
        return ((mean - alike, face) for alike, face in members if mean - alike > limit)

    def _odd_card(self, key: str) -> Card:
        face = self._member(key)
        [strip] = self._strips([face.cluster], but=key)
        return Card(
            key, cluster=face.cluster, face=face, similarity=face.similarity, strips=[strip]
        )

    def _who_waiting(self) -> Iterator[str]:
        named = {one.cluster for one in list_run_assignments(self._run.clusters_run) if one.is_held}
        return (one for one in selectors.cluster_labels(self._run) if one not in named)

    def _who_card(self, key: str) -> Card:
        [strip] = self._strips([key])
        embedding = cluster_embedding(self._run, key, vectors=self._vectors)
        return Card(
            key,
            cluster=key,
            version=self._version(strip.cluster),
            strips=[strip],
            people=similar_people(
                embedding,
                self._table,
                embedder=self._run.embedder,
                limit=CHOICES,
                refused=self._state.refused(strip.cluster.person),
            ),
        )

    def _triage_waiting(self) -> Iterator[str]:
        first = f"{self._run.clusters_run}/{NOISE}/"
        where = {"place": prefix_range(first)}
        rows = sorted(iter_fields(Member, where, ["face", "place"]), key=itemgetter("place"))
        return (row["face"] for row in rows if not self._state.is_decided(row["face"]))

    def _triage_card(self, key: str) -> Card:
        face = self._member(key)
        vector = self._vectors.retrieve(self._run.embedder, [key]).get(key)
        found: list[ClusterHit] = []
        if vector is not None:
            near = self._search.nearest(vector, limit=CHOICES + 1)
            found = [one for one in near if one.label != NOISE][:CHOICES]
        return Card(key, cluster=face.cluster, face=face, clusters=found)

    def _new_waiting(self) -> Iterator[str]:
        if self._since is None:
            return iter(())
        kept, since = caches["memory"], TimestampField().to_mongo(self._since)
        key = f"new:{self._run.clusters_run}"
        found = kept.get_or_set(key, self._in_clusters, KEPT_S)
        return (face for at, face in found if at > since and not self._state.is_decided(face))

    def _in_clusters(self) -> list[tuple[str, str]]:
        """Return (created_at, face) of the faces grouped in clusters, the newest first."""
        here = {row["face"] for row in self._grouped()}
        first = collection_sort_key(self._run.collection, "")
        where = {"place": prefix_range(first)}
        rows = iter_fields(Face, where, ["created_at"])
        found = [(row["created_at"], row["_id"]) for row in rows if row["_id"] in here]
        return sorted(found, reverse=True)

    def _strips(self, labels: list[str], *, but: str = "") -> list[Strip]:
        whose = cluster_identities(self._run, labels)
        strips = []
        for label in labels:
            typical = list_members(self._run, label, limit=STRIP * 2 + 1)
            faces = [one for one in typical if one.face != but]
            strips.append(
                Strip(
                    get_cluster(self._run, label),
                    faces[:STRIP],
                    faces[STRIP : STRIP * 2],
                    whose.get(label),
                )
            )
        return strips

    def _version(self, cluster: Cluster) -> int:
        return self._state.version(cluster.person)

    def _member(self, face: str) -> Member:
        return Member.objects(id=Member.id_for(self._run.clusters_run, face)).get()

    def _grouped(self, *fields: str) -> Iterator[dict[str, Any]]:
        """Yield the members that were grouped in a cluster, whatever was decided since."""
        where = {"place": prefix_range(f"{self._run.clusters_run}/")}
        rows = iter_fields(Member, where, ["face", "base", *fields])
        return (row for row in rows if row["base"] not in ("", NOISE))


_WAITING = {
    Queue.SAME: ReviewQueues._same_waiting,
    Queue.ODD: ReviewQueues._odd_waiting,
    Queue.WHO: ReviewQueues._who_waiting,
    Queue.TRIAGE: ReviewQueues._triage_waiting,
    Queue.NEW: ReviewQueues._new_waiting,
}
_CARDS = {
    Queue.SAME: ReviewQueues._same_card,
    Queue.ODD: ReviewQueues._odd_card,
    Queue.WHO: ReviewQueues._who_card,
    Queue.TRIAGE: ReviewQueues._triage_card,
    Queue.NEW: ReviewQueues._odd_card,
}

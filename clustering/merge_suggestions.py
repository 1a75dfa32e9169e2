"""Pairs of clusters that may be one person: suggested to reviewers, never merged automatically."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import numpy as np
from mongoengine import Document, fields
from numpy.typing import NDArray

from clustering.decisions.state import DecisionState
from clustering.documents import Cluster, Run
from clustering.grouping import find_neighbour_pairs
from clustering.selectors import IDS_PER_QUERY
from storage.mongo import iter_fields

MOST = 1000  # suggestions kept per run, the most similar ones


class MergeSuggestions(Document):
    """The pairs of similar clusters of a run, as one JSON list."""

    run = fields.StringField(primary_key=True)
    rows = fields.StringField(required=True)

    meta: ClassVar = {"collection": "proposals", "auto_create_index": True}


class MergeSuggestion(NamedTuple):
    """Two clusters, the larger first, and the cosine similarity of their centroids."""

    cluster: str
    other: str
    similarity: float
    face_count: int
    other_face_count: int


def make_merge_suggestions(
    run_id: str, centroids: NDArray[np.float32], *, eps: float
) -> MergeSuggestions:
    """Return the pairs of clusters whose (k, d) unit centroids are within ``eps`` of each other.

    The grouping did not merge them for a reason: a decision, a photo that shows both, or other
    faces of the two clusters.
    """
    pairs = find_neighbour_pairs(centroids, radius=eps)
    best = np.argsort(-pairs.similarity, kind="stable")[:MOST]
    rows = zip(
        pairs.first[best].tolist(),
        pairs.second[best].tolist(),
        pairs.similarity[best].tolist(),
        strict=True,
    )
    named = [(f"cluster_{one}", f"cluster_{other}", round(alike, 6)) for one, other, alike in rows]
    return MergeSuggestions(run=run_id, rows=json.dumps(named))


def list_open_suggestions(
    run: Run, state: DecisionState, *, about: str = ""
) -> Iterator[MergeSuggestion]:
    """Iterate the suggestions of a run without a decision yet, the most similar first.

    ``about`` limits them to those with the cluster of this label.
    """
    stored = MergeSuggestions.objects(run=run.clusters_run).first()
    rows = json.loads(stored.rows) if stored is not None else []
    if about:
        rows = [row for row in rows if about in row[:2]]
    known = _clusters(run, {label for one, other, _ in rows for label in (one, other)})
    for one, other, similarity in rows:
        (person, faces), (other_person, other_faces) = known[one], known[other]
        if faces and other_faces and not state.are_apart(person, other_person):
            yield MergeSuggestion(one, other, similarity, faces, other_faces)


def _clusters(run: Run, labels: set[str]) -> dict[str, tuple[str, int]]:
    """Return (person, face count) by label; ("", 0) for clusters that do not exist any more."""
    found: dict[str, tuple[str, int]] = dict.fromkeys(labels, ("", 0))
    ids = [Cluster.id_for(run.clusters_run, label) for label in sorted(labels)]
    for first in range(0, len(ids), IDS_PER_QUERY):
        where = {"_id": {"$in": ids[first : first + IDS_PER_QUERY]}}
        for row in iter_fields(Cluster, where, ["label", "person", "face_count"]):
            found[row["label"]] = row["person"], row["face_count"]
    return found

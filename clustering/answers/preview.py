"""Responses about the changes of a preview, and about merge suggestions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from clustering.documents import Member, Run
from clustering.merge_suggestions import MergeSuggestion


class ChangedFace(TypedDict):
    """A face that changes its cluster; `from_cluster_id` is null for a new face."""

    face_id: str
    image_path: str
    from_cluster_id: str | None
    to_cluster_id: str


class RunChanges(TypedDict):
    """The changes of a run, compared with the run that was current before.

    `broken_decisions` counts faces whose cluster contradicts a decision: it should be 0.
    """

    clustering_id: str
    bucket_path: str
    compared_with: str | None
    is_preview: bool
    merged_clusters: int
    split_clusters: int
    moved_faces: int
    new_faces: int
    broken_decisions: int
    faces: list[ChangedFace]
    next: str | None


def run_changes_json(run: Run, faces: list[ChangedFace], *, next_cursor: str | None) -> RunChanges:
    """Return the response for the changes of a run, with a page of changed faces."""
    counts = dict(run.changes)
    return {
        "clustering_id": run.id,
        "bucket_path": run.collection,
        "compared_with": run.previewed_from or None,
        "is_preview": bool(run.preview),
        "merged_clusters": counts.get("merged_clusters", 0),
        "split_clusters": counts.get("split_clusters", 0),
        "moved_faces": counts.get("moved_faces", 0),
        "new_faces": counts.get("new_faces", 0),
        "broken_decisions": counts.get("broken_decisions", 0),
        "faces": faces,
        "next": next_cursor,
    }


def changed_faces(
    members: list[Member], before: Mapping[str, Member], *, same: Mapping[str, str]
) -> list[ChangedFace]:
    """Return the members whose cluster has changed.

    ``before`` are the members of the earlier run by face; ``same`` maps labels of the earlier run
    to the labels that continue them.
    """
    return [
        {
            "face_id": member.face,
            "image_path": member.key,
            "from_cluster_id": before[member.face].cluster if member.face in before else None,
            "to_cluster_id": member.cluster,
        }
        for member in members
        if member.face not in before or same.get(before[member.face].cluster, "") != member.cluster
    ]


class ProposedMerge(TypedDict):
    """Two clusters that may be one person, with the cosine similarity of their centroids."""

    cluster_id: str
    other_cluster_id: str
    similarity: float
    face_count: int
    other_face_count: int


class ProposedMerges(TypedDict):
    """Merge suggestions of a run, by descending similarity; at most 1,000."""

    clustering_id: str
    bucket_path: str
    proposals: list[ProposedMerge]


def proposed_merge_json(proposal: MergeSuggestion) -> ProposedMerge:
    """Return the response for a merge suggestion."""
    return {
        "cluster_id": proposal.cluster,
        "other_cluster_id": proposal.other,
        "similarity": proposal.similarity,
        "face_count": proposal.face_count,
        "other_face_count": proposal.other_face_count,
    }

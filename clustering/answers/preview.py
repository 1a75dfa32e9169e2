"""What a preview would change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from clustering.documents import Member, Run


class ChangedFace(TypedDict):
    """A face that would be in another cluster; `from_cluster_id` is null for a new face."""

    face_id: str
    image_path: str
    from_cluster_id: str | None
    to_cluster_id: str


class RunChanges(TypedDict):
    """What a run changes against the one that readers saw; decisions are never broken."""

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
    """Return what a run changes, with a page of the faces."""
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
        "broken_decisions": 0,
        "faces": faces,
        "next": next_cursor,
    }


def changed_faces(
    members: list[Member], before: Mapping[str, Member], *, same: Mapping[str, str]
) -> list[ChangedFace]:
    """Return those of a page of members that were elsewhere; ``same`` are labels that go on."""
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

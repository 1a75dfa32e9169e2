"""Export a run's faces as rows, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

from clustering.documents import Run
from clustering.outputs.faces import GroupedFace
from clustering.selectors import get_faces_by_id, iter_member_slices

SLICE = 100  # faces per query


def iter_export_faces(run: Run) -> Iterator[GroupedFace]:
    """Yield the faces of a run, cluster by cluster, the most typical first in each."""
    for members in iter_member_slices(run, size=SLICE):
        faces = get_faces_by_id([member.face for member in members])
        yield from (GroupedFace(run, one, faces[one.face]) for one in members if one.face in faces)

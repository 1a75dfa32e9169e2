"""Answers about the changes of a preview, and about merge suggestions."""

from __future__ import annotations

from rest_framework.serializers import BooleanField, CharField, FloatField, IntegerField

from clustering.documents import Run
from clustering.outputs.faces import FACE_ID, KEY
from clustering.outputs.runs import CLUSTERING_ID, PATH
from web.output import NEXT, Output


class ChangedFaceOutput(Output):
    """A face that changes its cluster; `from_cluster_id` is null for a new face."""

    face_id = CharField(source="face", help_text=FACE_ID)
    image_path = CharField(source="key", help_text=KEY)
    from_cluster_id = CharField(allow_null=True, help_text="Its cluster in the earlier run.")
    to_cluster_id = CharField(source="cluster", help_text="Its cluster in this run.")


class RunChangesOutput(Output):
    """The changes of a run, compared with the run that was current before.

    `broken_decisions` counts faces whose cluster contradicts a decision: it should be 0.
    """

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    compared_with = CharField(allow_null=True, help_text="The id of the earlier run.")
    is_preview = BooleanField(help_text="Whether the run is a preview.")
    merged_clusters = IntegerField(help_text="Number of clusters that were merged.")
    split_clusters = IntegerField(help_text="Number of clusters that were split.")
    moved_faces = IntegerField(help_text="Number of faces in another cluster.")
    new_faces = IntegerField(help_text="Number of faces that are new.")
    broken_decisions = IntegerField(help_text="Number of faces that contradict a decision.")
    faces = ChangedFaceOutput(many=True, help_text="The changed faces of this page.")
    next = CharField(allow_null=True, help_text=NEXT)

    def get_compared_with(self, run: Run) -> str | None:
        return run.previewed_from or None

    def get_is_preview(self, run: Run) -> bool:
        return bool(run.preview)

    def get_merged_clusters(self, run: Run) -> int:
        return int(run.changes.get("merged_clusters", 0))

    def get_split_clusters(self, run: Run) -> int:
        return int(run.changes.get("split_clusters", 0))

    def get_moved_faces(self, run: Run) -> int:
        return int(run.changes.get("moved_faces", 0))

    def get_new_faces(self, run: Run) -> int:
        return int(run.changes.get("new_faces", 0))

    def get_broken_decisions(self, run: Run) -> int:
        return int(run.changes.get("broken_decisions", 0))


class ProposedMergeOutput(Output):
    """Two clusters that may be one person, with the cosine similarity of their centroids."""

    cluster_id = CharField(source="cluster", help_text="The label of the larger cluster.")
    other_cluster_id = CharField(source="other", help_text="The label of the other cluster.")
    similarity = FloatField(help_text="Cosine similarity of their average faces.")
    face_count = IntegerField(help_text="Number of faces of the first cluster.")
    other_face_count = IntegerField(help_text="Number of faces of the other cluster.")


class ProposedMergesOutput(Output):
    """Merge suggestions of a run, by descending similarity; at most 1,000."""

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    proposals = ProposedMergeOutput(many=True, help_text="The suggestions.")

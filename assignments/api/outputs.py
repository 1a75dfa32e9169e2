"""Answers about assignments."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.serializers import (
    BooleanField,
    CharField,
    DictField,
    FloatField,
    IntegerField,
    ListField,
)

from assignments.documents import Assignment
from assignments.match_run import RunMatches
from assignments.matching import Match
from clustering.documents import Member
from web.output import NEXT, Output, RoundedField, TimeField

USER_ID = "The person's id."
CLUSTERING_ID = "The id of the run."
CLUSTER_ID = "The label of the cluster in its run."
PATH = "The collection: bucket and prefix."
FACE_COUNT = "Number of faces in the cluster."
SIMILARITY = "Cosine similarity of the cluster and the person."
STRATEGY = "`centroid` (the average face) or `vote` (the majority of faces)."
DECIDED_BY = "`machine`, or the account or key that decided."
STATE = "`assigned`, `confirmed` or `rejected`."


@dataclass(frozen=True)
class MatchedCluster:
    """A matched cluster and its most typical faces."""

    match: Match
    found: RunMatches
    face_count: int
    typical: list[Member]


class RunnerUpOutput(Output):
    """The second most similar person."""

    user_id = CharField(help_text=USER_ID)
    similarity = FloatField(help_text=SIMILARITY)


class AssignedClusterOutput(Output):
    """A matched cluster: the person, and the most typical faces."""

    user_id = CharField(help_text=USER_ID)
    similarity = RoundedField(source="match.similarity", help_text=SIMILARITY)
    face_count = IntegerField(help_text=FACE_COUNT)
    image_paths = ListField(child=CharField(), help_text="Keys of the photos of these faces.")
    face_ids = ListField(child=CharField(), help_text="Ids of the most typical faces.")
    runner_up = RunnerUpOutput(allow_null=True, help_text="The second most similar person.")

    def get_user_id(self, one: MatchedCluster) -> str:
        return one.found.user_ids[one.match.profile]

    def get_image_paths(self, one: MatchedCluster) -> list[str]:
        return list(dict.fromkeys(member.key for member in one.typical))

    def get_face_ids(self, one: MatchedCluster) -> list[str]:
        return [member.face for member in one.typical]

    def get_runner_up(self, one: MatchedCluster) -> dict[str, object] | None:
        if one.match.runner_up < 0:
            return None
        return {
            "user_id": one.found.user_ids[one.match.runner_up],
            "similarity": round(one.match.runner_up_similarity, 6),
        }


class MatchResultOutput(Output):
    """The result of a matching; `kept` is the number of existing assignments left unchanged."""

    clustering_id = CharField(help_text=CLUSTERING_ID)
    bucket_path = CharField(help_text=PATH)
    threshold = FloatField(source="found.rules.threshold", help_text="The least similarity.")
    margin = FloatField(source="found.rules.margin", help_text="The least lead over the next.")
    strategy = CharField(help_text=STRATEGY)
    dry_run = BooleanField(help_text="Whether nothing was saved.")
    total_clusters = IntegerField(help_text="Number of clusters of the run.")
    assigned_clusters = IntegerField(help_text="Number of clusters with a person.")
    unassigned_clusters = IntegerField(help_text="Number of clusters without a person.")
    assignments = DictField(child=AssignedClusterOutput(), help_text="Matches by cluster.")
    unassigned_cluster_ids = ListField(
        source="done.reasons", child=CharField(), help_text="Labels of clusters without a person."
    )
    unassigned_reasons = DictField(
        source="done.reasons", child=CharField(), help_text="Why, by cluster, for programs."
    )
    saved_to_db = BooleanField(help_text="Whether the assignments were saved.")
    kept = IntegerField(source="done.kept", help_text="Existing assignments left unchanged.")
    removed = IntegerField(source="done.removed", help_text="Assignments that were removed.")
    timestamp = TimeField(help_text="When the matching was done.")


class AssignmentRowOutput(Output):
    """The assignment of a cluster to a person, and who decided it."""

    id = CharField(help_text="The id of the assignment.")
    clustering_id = CharField(help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    cluster_id = CharField(source="cluster", help_text=CLUSTER_ID)
    user_id = CharField(help_text=USER_ID)
    similarity = FloatField(help_text=SIMILARITY)
    strategy = CharField(help_text=STRATEGY)
    face_count = IntegerField(help_text=FACE_COUNT)
    decided_by = CharField(help_text=DECIDED_BY)
    state = CharField(help_text=STATE)
    runner_up = RunnerUpOutput(allow_null=True, help_text="The second most similar person.")
    rejected = ListField(child=CharField(), help_text="People that a reviewer rejected here.")
    version = IntegerField(help_text="Grows with each change.")
    created_at = TimeField(help_text="When it was created.")
    updated_at = TimeField(help_text="When it changed last.")

    def get_runner_up(self, one: Assignment) -> dict[str, object] | None:
        if not one.runner_up:
            return None
        return {"user_id": one.runner_up, "similarity": one.runner_up_similarity}


class RunAssignmentsOutput(Output):
    """The assignments of a run, in the order of its clusters."""

    clustering_id = CharField(source="id", help_text=CLUSTERING_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    total_assignments = IntegerField(help_text="Number of the run's assignments.")
    assignments = AssignmentRowOutput(many=True, help_text="The assignments of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class AssignmentRowsOutput(Output):
    """A page of filtered assignments; with `next`, it may have fewer rows than the limit."""

    assignments = AssignmentRowOutput(many=True, help_text="The assignments of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class ExportedAssignmentsOutput(Output):
    """All assignments of a run, of a collection, or of all current runs."""

    assignments = AssignmentRowOutput(many=True, help_text="The assignments.")


class BucketPartOutput(Output):
    """The numbers of clusters and faces of a person in a collection."""

    clusters = IntegerField(help_text="Number of clusters.")
    faces = IntegerField(help_text="Number of faces.")


class UserClusterOutput(Output):
    """A cluster assigned to a person."""

    id = CharField(help_text="The id of the assignment.")
    clustering_id = CharField(help_text=CLUSTERING_ID)
    cluster_id = CharField(source="cluster", help_text=CLUSTER_ID)
    bucket_path = CharField(source="collection", help_text=PATH)
    similarity = FloatField(help_text=SIMILARITY)
    face_count = IntegerField(help_text=FACE_COUNT)
    decided_by = CharField(help_text=DECIDED_BY)
    state = CharField(help_text=STATE)
    created_at = TimeField(help_text="When it was created.")


class UserTotalsOutput(Output):
    """Totals of a person over all collections."""

    user_id = CharField(help_text=USER_ID)
    total_clusters = IntegerField(source="total.clusters", help_text="Number of clusters.")
    total_faces = IntegerField(source="total.faces", help_text="Number of faces.")
    average_similarity = RoundedField(
        source="total.average_similarity", help_text="Average similarity of the clusters."
    )
    bucket_breakdown = DictField(
        source="by_collection", child=BucketPartOutput(), help_text="Numbers by collection."
    )


class UserAssignmentsOutput(UserTotalsOutput):
    """A page of a person's clusters, the newest first; totals are over all pages."""

    assignments = UserClusterOutput(many=True, help_text="The clusters of this page.")
    next = CharField(allow_null=True, help_text=NEXT)


class DeletedAssignmentsOutput(Output):
    """The number of deleted assignments of a run."""

    clustering_id = CharField(help_text=CLUSTERING_ID)
    deleted_count = IntegerField(help_text="Number of deleted assignments.")


class CountedOutput(Output):
    """Numbers of clusters and faces, and the average similarity of the clusters."""

    clusters = IntegerField(help_text="Number of clusters.")
    faces = IntegerField(help_text="Number of faces.")
    average_similarity = RoundedField(help_text="Average similarity of the clusters.")


class StatisticsOutput(Output):
    """Statistics of the assignments of current runs."""

    total = CountedOutput(help_text="All assignments.")
    per_user = DictField(child=CountedOutput(), help_text="By person.")
    per_collection = DictField(child=CountedOutput(), help_text="By collection.")
    per_strategy = DictField(child=CountedOutput(), help_text="By strategy.")

"""Serializers of requests about assignments."""

from __future__ import annotations

from rest_framework import serializers

from assignments.documents import AssignmentState, Strategy
from web.rest import FiniteField

RUN_ID = r"^[0-9a-f]{24}\Z"
MATCHING = [Strategy.CENTROID.value, Strategy.VOTE.value]
MAX_VERSION = 2**31 - 1


class MatchQuery(serializers.Serializer):
    """Parameters of a matching; the default threshold is the embedder's."""

    threshold = FiniteField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="Least cosine similarity; the embedder's value without it.",
    )
    margin = FiniteField(
        min_value=0,
        max_value=1,
        default=0.02,
        help_text="Least lead in similarity over the next person.",
    )
    strategy = serializers.ChoiceField(
        choices=MATCHING,
        default=Strategy.CENTROID.value,
        help_text="How a cluster is compared: `centroid` or `vote`.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Compute the answer and store nothing."
    )
    overwrite = serializers.BooleanField(default=False, help_text="Replace assignments that exist.")


class CollectionMatchQuery(MatchQuery):
    """Parameters of matching a collection; the default run is the current one."""

    clustering_id = serializers.RegexField(
        RUN_ID, required=False, help_text="The id of a run; the current one without it."
    )


class PageQuery(serializers.Serializer):
    """Page of a list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=500,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )


class CollectionPageQuery(PageQuery):
    """A page of the assignments of a collection's run."""

    clustering_id = serializers.RegexField(
        RUN_ID, required=False, help_text="The id of a run; the current one without it."
    )


class UserPageQuery(PageQuery):
    """A page of a person's assignments; ``history`` includes stored earlier runs."""

    history = serializers.BooleanField(default=False, help_text="Include stored earlier runs.")


class ListQuery(PageQuery):
    """A page of all assignments, with filters."""

    collection = serializers.CharField(
        max_length=1100, required=False, help_text="The collection: bucket and prefix."
    )
    run = serializers.RegexField(RUN_ID, required=False, help_text="The id of a run.")
    user_id = serializers.CharField(max_length=64, required=False, help_text="The person's id.")
    state = serializers.ChoiceField(
        choices=[one.value for one in AssignmentState],
        required=False,
        help_text="The state of the assignment.",
    )
    strategy = serializers.ChoiceField(
        choices=[one.value for one in Strategy],
        required=False,
        help_text="How a cluster is compared: `centroid` or `vote`.",
    )


class AssignmentInput(serializers.Serializer):
    """A manual assignment."""

    clustering_id = serializers.RegexField(RUN_ID, help_text="The id of the run.")
    cluster_id = serializers.CharField(
        max_length=40, help_text="The label of the cluster in the run."
    )
    user_id = serializers.CharField(max_length=64, help_text="The person's id.")
    overwrite = serializers.BooleanField(
        default=False, help_text="Replace an assignment that exists."
    )


class AssignmentChange(serializers.Serializer):
    """Another person, or the new state; ``version`` is the version that the client has read."""

    user_id = serializers.CharField(max_length=64, required=False, help_text="The person's id.")
    state = serializers.ChoiceField(
        choices=[AssignmentState.CONFIRMED.value, AssignmentState.REJECTED.value],
        required=False,
        help_text="The new state.",
    )
    version = serializers.IntegerField(
        min_value=1,
        max_value=MAX_VERSION,
        required=False,
        help_text="The version that the client has read; another one is refused.",
    )


class VersionQuery(serializers.Serializer):
    """The version that the client has read."""

    version = serializers.IntegerField(
        min_value=1,
        max_value=MAX_VERSION,
        required=False,
        help_text="The version that the client has read; another one is refused.",
    )


class ExportQuery(serializers.Serializer):
    """Filter and format of an export."""

    collection = serializers.CharField(
        max_length=1100, required=False, help_text="The collection: bucket and prefix."
    )
    run = serializers.RegexField(RUN_ID, required=False, help_text="The id of a run.")
    format = serializers.ChoiceField(
        choices=["csv", "json"], default="csv", help_text="`csv` or `json`."
    )

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

    threshold = FiniteField(min_value=0, max_value=1, required=False)
    margin = FiniteField(min_value=0, max_value=1, default=0.02)
    strategy = serializers.ChoiceField(choices=MATCHING, default=Strategy.CENTROID.value)
    dry_run = serializers.BooleanField(default=False)
    overwrite = serializers.BooleanField(default=False)


class CollectionMatchQuery(MatchQuery):
    """Parameters of matching a collection; the default run is the current one."""

    clustering_id = serializers.RegexField(RUN_ID, required=False)


class PageQuery(serializers.Serializer):
    """Page of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    cursor = serializers.CharField(max_length=500, required=False)


class CollectionPageQuery(PageQuery):
    """A page of the assignments of a collection's run."""

    clustering_id = serializers.RegexField(RUN_ID, required=False)


class UserPageQuery(PageQuery):
    """A page of a person's assignments; ``history`` includes stored earlier runs."""

    history = serializers.BooleanField(default=False)


class ListQuery(PageQuery):
    """A page of all assignments, with filters."""

    collection = serializers.CharField(max_length=1100, required=False)
    run = serializers.RegexField(RUN_ID, required=False)
    user_id = serializers.CharField(max_length=64, required=False)
    state = serializers.ChoiceField(choices=[one.value for one in AssignmentState], required=False)
    strategy = serializers.ChoiceField(choices=[one.value for one in Strategy], required=False)


class AssignmentInput(serializers.Serializer):
    """A manual assignment."""

    clustering_id = serializers.RegexField(RUN_ID)
    cluster_id = serializers.CharField(max_length=40)
    user_id = serializers.CharField(max_length=64)
    overwrite = serializers.BooleanField(default=False)


class AssignmentChange(serializers.Serializer):
    """Another person, or the new state; ``version`` is the version that the client has read."""

    user_id = serializers.CharField(max_length=64, required=False)
    state = serializers.ChoiceField(
        choices=[AssignmentState.CONFIRMED.value, AssignmentState.REJECTED.value], required=False
    )
    version = serializers.IntegerField(min_value=1, max_value=MAX_VERSION, required=False)


class VersionQuery(serializers.Serializer):
    """The version that the client has read."""

    version = serializers.IntegerField(min_value=1, max_value=MAX_VERSION, required=False)


class ExportQuery(serializers.Serializer):
    """Filter and format of an export."""

    collection = serializers.CharField(max_length=1100, required=False)
    run = serializers.RegexField(RUN_ID, required=False)
    format = serializers.ChoiceField(choices=["csv", "json"], default="csv")

"""Serializers of requests about decisions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from assignments.serializers import PageQuery
from clustering.decisions.commands import MAX_FACES, DecisionCommand
from clustering.decisions.events import EventKind

ITEMS = 500  # decisions in one request
NAME = 1100  # characters of a collection's path
ASKABLE = [kind.value for kind in EventKind if kind != EventKind.UNDO]


class DecisionItem(serializers.Serializer):
    """One decision, with cluster labels of the current run.

    If ``cluster`` is given, faces that are no longer in it are rejected as stale.
    """

    kind = serializers.ChoiceField(choices=ASKABLE, help_text="What is decided.")
    faces = serializers.ListField(
        child=serializers.CharField(max_length=64),
        max_length=MAX_FACES,
        default=list,
        help_text="Ids of the faces.",
    )
    cluster = serializers.CharField(
        max_length=40,
        default="",
        allow_blank=True,
        help_text="The label of the cluster, in which the faces have to be.",
    )
    other = serializers.CharField(
        max_length=40,
        default="",
        allow_blank=True,
        help_text="The label of the other cluster, for a merge or not_same.",
    )
    to = serializers.CharField(
        max_length=40,
        default="",
        allow_blank=True,
        help_text="The label of the cluster that faces move to; a new one without it.",
    )
    user_id = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="The profile that the cluster is, or is not, or that faces move to.",
    )
    versions = serializers.DictField(
        child=serializers.IntegerField(min_value=0, max_value=2**31 - 1),
        default=dict,
        help_text="Versions that the client has read, by label; a newer one is refused.",
    )
    seen = serializers.DictField(
        default=dict, help_text="What was on the screen; it is stored with the decision."
    )

    def validate_versions(self, value: dict[str, int]) -> dict[str, int]:
        """Reject more versions than a decision can have faces."""
        if len(value) > MAX_FACES:
            raise serializers.ValidationError(f"At most {MAX_FACES} versions.")
        return value

    def validate_seen(self, value: dict[str, Any]) -> dict[str, Any]:
        """Limit the size of the client's notes about the screen."""
        if len(str(value)) > 10_000:
            raise serializers.ValidationError("At most 10,000 characters.")
        return value


class DecisionsInput(serializers.Serializer):
    """Decisions about one collection; with ``dry_run`` nothing is written.

    ``clustering_id`` is the run whose labels are used; if it is no longer the current run, the
    decisions are stale.
    """

    collection = serializers.CharField(
        max_length=NAME, help_text="The collection: bucket and prefix."
    )
    clustering_id = serializers.CharField(
        max_length=40,
        required=False,
        help_text="The run whose labels are used; refused if it is not current.",
    )
    decisions = DecisionItem(many=True, min_length=1, max_length=ITEMS, help_text="The decisions.")
    dry_run = serializers.BooleanField(
        default=False, help_text="Compute the answer and store nothing."
    )


class UndoInput(serializers.Serializer):
    """An undo; with ``dry_run`` nothing is written."""

    dry_run = serializers.BooleanField(
        default=False, help_text="Compute the answer and store nothing."
    )


class ActivityQuery(PageQuery):
    """A page of the decisions about a collection, with filters."""

    collection = serializers.CharField(
        max_length=NAME, help_text="The collection: bucket and prefix."
    )
    by = serializers.CharField(
        max_length=150, required=False, help_text="The account or key that decided."
    )
    kind = serializers.ChoiceField(
        choices=[kind.value for kind in EventKind], required=False, help_text="What was decided."
    )


def asked_of(item: dict[str, Any], *, run: str = "") -> DecisionCommand:
    """Return the command of a validated DecisionItem, with cluster labels of ``run``."""
    return DecisionCommand(
        run=run,
        kind=EventKind(item["kind"]),
        faces=tuple(item["faces"]),
        cluster=item["cluster"],
        other=item["other"],
        to=item["to"],
        user_id=item["user_id"],
        versions=item["versions"],
        seen=item["seen"],
    )

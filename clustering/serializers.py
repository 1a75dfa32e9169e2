"""What requests about collections, runs and clusters may say: parse, nothing else."""

from __future__ import annotations

from rest_framework import serializers

from clustering.parameters import ALGORITHMS, RunParameters
from web.rest import FiniteField

MAX_CURSOR = 3000  # a collection and a key of 1024 bytes each, in base 64
MAX_PATH = 1100  # a bucket's name, a slash, and a prefix of 1023 bytes


class RunInput(serializers.Serializer):
    """The query of a request that starts a run."""

    max_images = serializers.IntegerField(min_value=1, max_value=10**9, required=False)
    batch_size = serializers.IntegerField(min_value=1, max_value=50, default=30)
    skip_quality_filter = serializers.BooleanField(default=False)
    max_concurrent = serializers.IntegerField(min_value=1, max_value=20, default=12)
    wait = FiniteField(min_value=0, max_value=600, default=0)
    eps = FiniteField(min_value=0.0001, max_value=2, required=False)
    min_samples = serializers.IntegerField(min_value=2, max_value=100, default=2)
    algorithm = serializers.ChoiceField(choices=ALGORITHMS, default="dbscan")
    refine = serializers.BooleanField(default=True)
    full = serializers.BooleanField(default=False)
    preview = serializers.BooleanField(default=False)
    allow_removals = serializers.BooleanField(default=False)

    def parameters(self) -> RunParameters:
        """Return the valid query as the parameters of a run."""
        values = {name: value for name, value in self.validated_data.items() if name != "wait"}
        return RunParameters(**values)


class ChangesQuery(serializers.Serializer):
    """Which page of what a preview would change."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)
    cursor = serializers.CharField(required=False, max_length=MAX_CURSOR)


class RunQuery(serializers.Serializer):
    """The query of a request that reads a run: the newest one unless named."""

    clustering_id = serializers.RegexField(r"^[0-9a-f]{24}\Z", required=False)


class DetailsQuery(RunQuery):
    """The query of a request that reads a cluster's faces."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=1000)
    cursor = serializers.CharField(required=False, max_length=MAX_CURSOR)


class RepairQuery(RunQuery):
    """The query of a verification; a GET never repairs."""

    repair = serializers.BooleanField(default=False)


class LimitQuery(serializers.Serializer):
    """How much of a list."""

    limit = serializers.IntegerField(min_value=1, max_value=1000, default=100)


class PageQuery(LimitQuery):
    """Which page of a list."""

    cursor = serializers.CharField(required=False, max_length=MAX_CURSOR)


class RunsQuery(PageQuery):
    """Whose runs: a collection, written bucket/sub."""

    collection = serializers.CharField(max_length=MAX_PATH)


class ExportQuery(serializers.Serializer):
    """What to export: a run, or the run that readers of a collection see; and how."""

    run = serializers.RegexField(r"^[0-9a-f]{24}\Z", required=False)
    collection = serializers.CharField(max_length=MAX_PATH, required=False)
    format = serializers.ChoiceField(choices=("csv", "json"), default="csv")

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """Refuse neither, and both."""
        if ("run" in attrs) == ("collection" in attrs):
            raise serializers.ValidationError({"run": ["Name a run or a collection, one of them."]})
        return attrs

"""Input serializers of the API of collections, runs and clusters: parsing only."""

from __future__ import annotations

from rest_framework import serializers

from clustering.parameters import ALGORITHMS, RunParameters
from web.rest import FiniteField

MAX_CURSOR = 3000  # a collection and a key of 1024 bytes each, in base 64
MAX_PATH = 1100  # a bucket's name, a slash, and a prefix of 1023 bytes


class RunInput(serializers.Serializer):
    """Query parameters to start a run."""

    max_images = serializers.IntegerField(
        min_value=1,
        max_value=10**9,
        required=False,
        help_text="Largest number of photos; all without it.",
    )
    batch_size = serializers.IntegerField(
        min_value=1, max_value=50, default=30, help_text="Photos of a batch."
    )
    skip_quality_filter = serializers.BooleanField(
        default=False, help_text="Group faces of poor quality too."
    )
    max_concurrent = serializers.IntegerField(
        min_value=1, max_value=20, default=12, help_text="Photos that are read at once."
    )
    wait = FiniteField(
        min_value=0, max_value=600, default=0, help_text="Seconds to wait for the result."
    )
    eps = FiniteField(
        min_value=0.0001,
        max_value=2,
        required=False,
        help_text="Largest cosine distance of neighbours; the embedder's value without it.",
    )
    min_samples = serializers.IntegerField(
        min_value=2, max_value=100, default=2, help_text="Least number of faces of a cluster."
    )
    algorithm = serializers.ChoiceField(
        choices=ALGORITHMS, default="dbscan", help_text="The density-based algorithm."
    )
    refine = serializers.BooleanField(
        default=True, help_text="Refine the groups by linkage under the decisions."
    )
    full = serializers.BooleanField(
        default=False, help_text="Read every photo again, also unchanged ones."
    )
    preview = serializers.BooleanField(
        default=False, help_text="Compute the result without making it current."
    )
    allow_removals = serializers.BooleanField(
        default=False, help_text="Confirm that many missing photos were removed on purpose."
    )

    def parameters(self) -> RunParameters:
        """Return the valid query as the parameters of a run."""
        values = {name: value for name, value in self.validated_data.items() if name != "wait"}
        return RunParameters(**values)


class ChangesQuery(serializers.Serializer):
    """A page of the changes of a preview."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR,
        help_text="`next` of the page before; the first page without it.",
    )


class RunQuery(serializers.Serializer):
    """Selects a run; the newest one by default."""

    clustering_id = serializers.RegexField(
        r"^[0-9a-f]{24}\Z",
        required=False,
        help_text="The id of a run; the newest or the current one without it.",
    )


class DetailsQuery(RunQuery):
    """A page of the faces of a cluster."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=1000, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR,
        help_text="`next` of the page before; the first page without it.",
    )


class RepairQuery(RunQuery):
    """Query parameters of a storage check; a GET request never repairs."""

    repair = serializers.BooleanField(default=False, help_text="Ignored; POST repairs.")


class LimitQuery(serializers.Serializer):
    """The size of a list."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )


class PageQuery(LimitQuery):
    """A page of a list."""

    cursor = serializers.CharField(
        required=False,
        max_length=MAX_CURSOR,
        help_text="`next` of the page before; the first page without it.",
    )


class RunsQuery(PageQuery):
    """A page of the runs of a collection, written as bucket/sub."""

    collection = serializers.CharField(
        max_length=MAX_PATH, help_text="The collection: bucket and prefix."
    )


class ExportQuery(serializers.Serializer):
    """What to export: a run, or the current run of a collection; and the format."""

    run = serializers.RegexField(r"^[0-9a-f]{24}\Z", required=False, help_text="The id of a run.")
    collection = serializers.CharField(
        max_length=MAX_PATH, required=False, help_text="The collection: bucket and prefix."
    )
    format = serializers.ChoiceField(
        choices=("csv", "json"), default="csv", help_text="`csv` or `json`."
    )

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """Require exactly one of run and collection."""
        if ("run" in attrs) == ("collection" in attrs):
            raise serializers.ValidationError({"run": ["Name a run or a collection, one of them."]})
        return attrs

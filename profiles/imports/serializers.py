"""Request serializers of imports: parse and bound, nothing else."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from profiles.imports.documents import Outcome
from profiles.serializers import PhotoField


class ImportForm(serializers.Serializer):
    """Photos of known people at `<user_id>/<file>`: a zip, or a folder of a bucket."""

    file = PhotoField(required=False, help_text="A zip.")
    folder = serializers.CharField(
        required=False, max_length=1100, help_text="`bucket/sub`, where the people's folders are."
    )
    force = serializers.BooleanField(
        default=False, help_text="Enrol faces even if they look like another person."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Require exactly one of zip and folder."""
        if ("file" in attrs) == ("folder" in attrs):
            raise serializers.ValidationError({"file": "Send a zip or name a folder, one of them."})
        return attrs


class ImportsQuery(serializers.Serializer):
    """A page of all imports."""

    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=500,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )


class ImportedFilesQuery(serializers.Serializer):
    """A page of an import's files, of all outcomes or of one."""

    outcome = serializers.ChoiceField(
        choices=[one.value for one in Outcome],
        required=False,
        help_text="Only files with this outcome.",
    )
    limit = serializers.IntegerField(
        min_value=1, max_value=1000, default=100, help_text="Largest number of rows."
    )
    cursor = serializers.CharField(
        max_length=8000,
        required=False,
        help_text="`next` of the page before; the first page without it.",
    )

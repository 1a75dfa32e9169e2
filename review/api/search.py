"""REST resource of the search by photo."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clustering.errors import NoSuchRun
from profiles.api import PhotoApi
from profiles.serializers import PhotoField
from review.api import examples
from review.api.outputs import SearchResultOutput
from review.services import search_uploaded_photo
from storage.errors import InvalidName
from vision import EmptyFile, ImageTooLarge, ModelMissing, NotAnImage, UnreadableImage
from web.rest import parse_form
from web.roles import Role
from web.schema import operation

MAX_RESULTS = 20


class SearchForm(serializers.Serializer):
    """A photo, the number of people and clusters per face, and the collection to search."""

    file = PhotoField(help_text="The photo.")
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_RESULTS, default=5, help_text="People, and clusters, per face."
    )
    collection = serializers.CharField(
        max_length=1100,
        required=False,
        trim_whitespace=False,
        help_text="`bucket/sub` to search for clusters; all collections by default.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Reject unknown fields: a misspelt ``collection`` would search all collections."""
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({one: ["There is no such field."] for one in unknown})
        return attrs


class SearchApi(PhotoApi):
    """Search by photo."""

    roles: ClassVar = {"POST": Role.VIEWER}

    @operation(
        "Search by a photo",
        form=SearchForm,
        answers={200: SearchResultOutput},
        example=lambda: SearchResultOutput.render(examples.SEARCH),
        refuses=(
            InvalidName,
            NoSuchRun,
            EmptyFile,
            UnreadableImage,
            NotAnImage,
            ImageTooLarge,
            ModelMissing,
        ),
        tag="search",
    )
    def post(self, request: Request) -> Response:
        """Return every face in the photo with the most similar people and clusters.

        Faces that fail the quality thresholds are listed with the reason and are not searched.
        The photo is not stored.
        """
        form = parse_form(request, SearchForm).validated_data
        found = search_uploaded_photo(
            form["file"], limit=form["limit"], path=form.get("collection")
        )
        return Response(SearchResultOutput.render(found))

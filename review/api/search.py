"""REST resource of the search by photo."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from assignments.api.examples import RUN
from clustering.errors import NoSuchRun
from profiles.api import PhotoApi
from profiles.serializers import PhotoField
from review.search.answers import SearchResult, search_json
from review.services import search_uploaded_photo
from storage.errors import InvalidName
from vision import EmptyFile, ImageTooLarge, ModelMissing, NotAnImage, UnreadableImage
from web.rest import parse_form
from web.roles import Role
from web.schema import operation

MAX_RESULTS = 20
EXAMPLE = {
    "image": {"width": 1600, "height": 1200},
    "embedder": "facenet512",
    "faces": [
        {
            "face": {
                "bbox": [410.0, 220.5, 118.0, 150.25],
                "confidence": 0.93,
                "quality": {"score": 0.88, "size": 118.0, "blur": 310.5, "pose": 0.91},
                "checks": [
                    "Size OK: 150x118 >= 30",
                    "Confidence OK: 0.93 >= 0.4",
                    "Sharpness OK: 310.50 >= 50",
                ],
                "used": True,
                "reason": None,
            },
            "profiles": [
                {
                    "user_id": "ada.lovelace",
                    "name": "Ada Lovelace",
                    "similarity": 0.957,
                    "photo": {
                        "face_id": "8d1f2f0e-53a8-4c1b-9a55-3c9a0c4f2b10",
                        "similarity": 0.962,
                    },
                    "margin": 0.41,
                }
            ],
            "clusters": [
                {
                    "bucket_path": "photos/summer-2024",
                    "clustering_id": RUN,
                    "cluster_id": "cluster_0",
                    "similarity": 0.971,
                    "face_id": "1f0c1a54-7b3c-5a58-9a2e-0d6c6f3f7b11",
                    "face_count": 23,
                    "user_id": "ada.lovelace",
                }
            ],
        }
    ],
    "not_compared": {"profiles": 0, "collections": 0},
}


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
        answers={200: SearchResult},
        example=EXAMPLE,
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
        return Response(search_json(found))

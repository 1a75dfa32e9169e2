"""Faces: the crop of one, and the photo it was found in."""

from __future__ import annotations

from django.http import HttpResponseBase
from rest_framework.request import Request

from clustering import selectors
from clustering.errors import NoSuchFace
from clustering.pictures import crop_response, image_response
from storage.buckets import open_bucket
from storage.crops import face_crops
from storage.errors import NoSuchBucket, ObjectTooLarge, ObjectUnreadable, ObjectVanished
from storage.names import CollectionName
from web.api import Api
from web.negotiation import OneKind
from web.schema import operation


class FaceCropApi(Api):
    """The crop of a face."""

    content_negotiation_class = OneKind

    @operation(
        "See a face",
        answers={200: {"type": "string", "format": "binary", "description": "A JPEG."}},
        refuses=(NoSuchFace, ObjectVanished),
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Answer with a JPEG of the face and a little around it."""
        return crop_response(request, selectors.face_get(face_id), crops=face_crops())


class FaceImageApi(Api):
    """The photo a face was found in."""

    content_negotiation_class = OneKind

    @operation(
        "Get the photo of a face",
        answers={200: {"type": "string", "format": "binary", "description": "The photo."}},
        refuses=(NoSuchFace, NoSuchBucket, ObjectVanished, ObjectUnreadable, ObjectTooLarge),
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Answer with the original, as it lies in the bucket."""
        face = selectors.face_get(face_id)
        bucket = open_bucket(CollectionName.parse(face.collection).bucket)
        return image_response(request, selectors.image_of(face), bucket=bucket)

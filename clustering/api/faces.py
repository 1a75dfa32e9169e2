"""REST resources of faces: details, crop, and photo."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clustering import examples, selectors
from clustering.documents import Image
from clustering.errors import NoSuchFace
from clustering.outputs.faces import FaceDetailOutput, GroupedFace
from clustering.pictures import crop_response, image_response, preview_response
from clustering.services import ensure_projected
from storage.buckets import Bucket, open_bucket
from storage.errors import NoSuchBucket, ObjectTooLarge, ObjectUnreadable, ObjectVanished
from storage.names import CollectionName
from storage.pictures import face_crop_store
from vision import ImageTooLarge, NotAnImage, UnreadableImage
from web.parsers import OneKind
from web.rest import Api
from web.schema import operation

BINARY = {"type": "string", "format": "binary"}
JPEG = {(200, "image/jpeg"): {**BINARY, "description": "A JPEG."}}
PHOTO = {(200, "image/*"): {**BINARY, "description": "The photo."}}
PHOTO_REFUSALS = (NoSuchFace, NoSuchBucket, ObjectVanished, ObjectUnreadable, ObjectTooLarge)


class FaceApi(Api):
    """A face."""

    @operation(
        "Read a face",
        answers={200: FaceDetailOutput},
        example=lambda: FaceDetailOutput.render(
            examples.FACE, image=examples.IMAGE, cluster=examples.GROUPED
        ),
        refuses=(NoSuchFace,),
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> Response:
        """Return photo, box, quality, and the cluster in the current run."""
        ensure_projected(selectors.get_face(face_id).collection)
        face = selectors.get_face(face_id)
        run = selectors.find_current_run(face.collection)
        member = None if run is None else selectors.find_member(run, face.id)
        cluster = None if run is None or member is None else GroupedFace(run, member, face)
        return Response(
            FaceDetailOutput.render(face, image=selectors.find_image(face), cluster=cluster)
        )


class FaceCropApi(Api):
    """The crop of a face."""

    content_negotiation_class = OneKind

    @operation(
        "See a face",
        answers=JPEG,
        refuses=(NoSuchFace, ObjectVanished),
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Return a JPEG of the face with a margin."""
        return crop_response(request, selectors.get_face(face_id), crops=face_crop_store())


class FaceImageApi(Api):
    """The photo of a face."""

    content_negotiation_class = OneKind

    @operation(
        "Get the photo of a face",
        answers=PHOTO,
        refuses=PHOTO_REFUSALS,
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Return the original file from the bucket."""
        image, bucket = _photo(face_id)
        return image_response(request, image, bucket=bucket)


class FacePreviewApi(Api):
    """The photo of a face, scaled for display."""

    content_negotiation_class = OneKind

    @operation(
        "See the photo of a face",
        answers=JPEG,
        refuses=(*PHOTO_REFUSALS, NotAnImage, UnreadableImage, ImageTooLarge),
        tag="faces",
    )
    def get(self, request: Request, face_id: str) -> HttpResponseBase:
        """Return an upright JPEG of at most 1600 pixels, for every supported photo format."""
        image, bucket = _photo(face_id)
        return preview_response(request, image, bucket=bucket, limits=settings.VISION.limits)


def _photo(face_id: str) -> tuple[Image, Bucket]:
    """Return the image of a face and its bucket."""
    face = selectors.get_face(face_id)
    bucket = open_bucket(CollectionName.parse(face.collection).bucket)
    return selectors.get_image_of_face(face), bucket

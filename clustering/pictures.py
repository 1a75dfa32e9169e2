"""Responses with a face's crop or its photo, with validators for the browser's cache."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from clustering.documents import Face, Image
from storage.buckets import Bucket
from storage.pictures import PictureStore
from vision import PREVIEW_SIDE, ImageLimits, encode_preview
from web.rest import picture_response

CONTENT_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "HEIF": "image/heif",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
CACHE_FOREVER = "private, max-age=31536000, immutable"
CACHE_REVALIDATE = "private, no-cache"


def crop_response(request: HttpRequest, face: Face, *, crops: PictureStore) -> HttpResponse:
    """Return a face's crop; the id identifies the content, so browsers cache it without limit."""
    return picture_response(
        request,
        lambda: crops.read(face.id),
        tag=face.id,
        content_type="image/jpeg",
        cache=CACHE_FOREVER,
    )


def image_response(request: HttpRequest, image: Image, *, bucket: Bucket) -> HttpResponse:
    """Return a photo's bytes as they are in the bucket."""
    return picture_response(
        request,
        lambda: bucket.read(image.key, max_bytes=max(image.size, 1)),
        tag=image.digest,
        content_type=CONTENT_TYPES.get(image.format, "application/octet-stream"),
        cache=CACHE_REVALIDATE,
    )


def preview_response(
    request: HttpRequest, image: Image, *, bucket: Bucket, limits: ImageLimits
) -> HttpResponse:
    """Return a photo as an upright JPEG, whatever its format."""

    def encode() -> bytes:
        data = bucket.read(image.key, max_bytes=max(image.size, 1))
        return encode_preview(data, limits=limits)

    return picture_response(
        request,
        encode,
        tag=f"{image.digest}-{PREVIEW_SIDE}",
        content_type="image/jpeg",
        cache=CACHE_REVALIDATE,
    )

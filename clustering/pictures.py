"""Answer with a crop or a photo: validators for the browser's cache, and types that cannot run."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import quote_etag

from clustering.documents import Face, Image
from storage.buckets import Bucket
from storage.pictures import PictureStore
from vision import PREVIEW_SIDE, ImageLimits, encode_preview

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
KEPT_BY_BROWSER = "private, max-age=31536000, immutable"
ASKED_AGAIN = "private, no-cache"


def crop_response(request: HttpRequest, face: Face, *, crops: PictureStore) -> HttpResponse:
    """Return a face's crop; its id stands for its content, so a browser may keep it."""
    etag = quote_etag(face.id)
    if request.headers.get("If-None-Match") == etag:
        return _not_modified(etag, KEPT_BY_BROWSER)
    return _picture(crops.read(face.id), "image/jpeg", etag=etag, cache=KEPT_BY_BROWSER)


def image_response(request: HttpRequest, image: Image, *, bucket: Bucket) -> HttpResponse:
    """Return a photo as it lies in the bucket."""
    etag = quote_etag(image.digest)
    if request.headers.get("If-None-Match") == etag:
        return _not_modified(etag, ASKED_AGAIN)
    data = bucket.read(image.key, max_bytes=max(image.size, 1))
    kind = CONTENT_TYPES.get(image.format, "application/octet-stream")
    return _picture(data, kind, etag=etag, cache=ASKED_AGAIN)


def preview_response(
    request: HttpRequest, image: Image, *, bucket: Bucket, limits: ImageLimits
) -> HttpResponse:
    """Return a photo as an upright JPEG, which every browser shows."""
    etag = quote_etag(f"{image.digest}-{PREVIEW_SIDE}")
    if request.headers.get("If-None-Match") == etag:
        return _not_modified(etag, ASKED_AGAIN)
    data = bucket.read(image.key, max_bytes=max(image.size, 1))
    return _picture(encode_preview(data, limits=limits), "image/jpeg", etag=etag, cache=ASKED_AGAIN)


def _picture(data: bytes, content_type: str, *, etag: str, cache: str) -> HttpResponse:
    """Return bytes as a picture and nothing else."""
    return HttpResponse(
        data,
        content_type=content_type,
        headers={
            "ETag": etag,
            "Cache-Control": cache,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )


def _not_modified(etag: str, cache: str) -> HttpResponse:
    """Say that the browser has it already."""
    return HttpResponseNotModified(headers={"ETag": etag, "Cache-Control": cache})

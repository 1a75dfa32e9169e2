"""Answer with the face cut out of a reference photo."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import quote_etag

from profiles.documents import ReferencePhoto
from storage.pictures import PictureStore

KEPT_BY_BROWSER = "private, max-age=86400"  # a day: erasing a person cannot reach a browser's cache


def reference_crop_response(
    request: HttpRequest, reference: ReferencePhoto, *, crops: PictureStore
) -> HttpResponse:
    """Return a reference photo's face; its id stands for its content."""
    headers = {"ETag": quote_etag(reference.id), "Cache-Control": KEPT_BY_BROWSER}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponseNotModified(headers=headers)
    headers |= {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return HttpResponse(crops.read(reference.id), content_type="image/jpeg", headers=headers)

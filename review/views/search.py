"""Search page: the faces of an uploaded photo, with the most similar people and clusters."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from clustering.errors import NoSuchRun
from clustering.selectors import list_collections
from review.forms import FACE_LIMIT, SearchPhotoForm
from review.search.clusters import ClusterHit
from review.search.photo import FaceResult, PhotoResult
from review.services import search_uploaded_photo
from storage.names import CollectionName
from vision import EmptyFile, ImageTooLarge, NotAnImage, UnreadableImage, encode_crop
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role

REFUSALS = (EmptyFile, ImageTooLarge, NotAnImage, UnreadableImage, NoSuchRun)


@dataclass(frozen=True)
class ClusterShown:
    """A similar cluster, with the collection of its page."""

    hit: ClusterHit
    name: CollectionName


@dataclass(frozen=True, eq=False)
class FaceShown:
    """A face of the photo, with its crop as a data URL."""

    found: FaceResult
    crop: str
    clusters: list[ClusterShown]

    @property
    def reason(self) -> str:
        """Return the reason why the face was not searched, "" if it was."""
        return (self.found.reason or "").replace("_", " ")


@require_http_methods(["GET", "POST"])
@role_required(Role.VIEWER)
def search(request: HttpRequest) -> HttpResponse:
    """Show the form, and the results for an uploaded photo. The photo is not stored."""
    is_sent = request.method == "POST"
    form = SearchPhotoForm(request.POST, request.FILES) if is_sent else SearchPhotoForm()
    context: dict[str, object] = {"form": form, "collections": list_collections()}
    if is_sent and form.is_valid():
        try:
            found = search_uploaded_photo(
                form.cleaned_data["file"],
                limit=FACE_LIMIT,
                path=form.cleaned_data["collection"],
            )
        except REFUSALS as refusal:
            beside = "collection" if isinstance(refusal, NoSuchRun) else "file"
            form.add_error(beside, str(refusal))
        else:
            context |= {"found": found, "faces": _shown(found)}
    return render_page(
        request,
        "review/search.html",
        context,
        fragment="review/_search.html",
        status=422 if form.errors else 200,
    )


def _shown(found: PhotoResult) -> list[FaceShown]:
    """Return the faces of a photo with crops as data URLs."""
    return [
        FaceShown(
            one,
            "data:image/jpeg;base64," + base64.b64encode(encode_crop(one.face.crop)).decode(),
            [ClusterShown(hit, CollectionName.parse(hit.run.collection)) for hit in one.clusters],
        )
        for one in found.faces
    ]

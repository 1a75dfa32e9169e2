"""A face's page: the crop, the photo with all its boxes, its quality, and why it is where it is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from assignments.undoing import decided_last
from assignments.why import face_why
from clustering import selectors
from clustering.decisions.log import law_of
from clustering.documents import NO_CLUSTER, Face, Image
from clustering.edge import groups_settle
from storage.names import CollectionName
from storage.vectors import face_vectors
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role

ZOOM_AROUND = 0.6  # of the face's longer side, shown on each side of it


@require_GET
@role_required(Role.VIEWER)
def face(request: HttpRequest, face_id: str) -> HttpResponse:
    """Show one face with all that is known of it."""
    path = selectors.face_get(face_id).collection
    groups_settle(path)
    shown, run = selectors.face_get(face_id), selectors.current_run(path)
    image = selectors.image_find(shown)
    member = None if run is None else selectors.member_find(run, shown.id)
    if member is not None and member.cluster in NO_CLUSTER:
        member = None
    with law_of(path) as law:
        why = run and face_why(shown, run, member, law, vectors=face_vectors())
        version = why.cluster and law.version(why.cluster.person) if why else 0
    context = {
        "name": CollectionName.parse(path),
        "face": shown,
        "image": image,
        "run": run,
        "member": member,
        "why": why,
        "version": version or 0,
        "beside": [] if image is None else selectors.faces_beside(shown),
        "decided": decided_last(request.session, path),
        "is_zoomed": "zoom" in request.GET,
        "view": _view(shown, image, is_zoomed="zoom" in request.GET),
    }
    return render_page(request, "assignments/face.html", context)


def _view(face: Face, image: Image | None, *, is_zoomed: bool) -> str:
    """Return the part of the photo to show, in pixels, as an SVG's view box."""
    if image is None:
        return ""
    if not is_zoomed:
        return f"0 0 {image.width} {image.height}"
    left, top, width, height = face.bbox
    around = ZOOM_AROUND * max(width, height)
    return (
        f"{left - around:.0f} {top - around:.0f} {width + 2 * around:.0f} {height + 2 * around:.0f}"
    )

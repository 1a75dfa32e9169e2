"""Face page: crop, photo with all boxes, quality, and the explanation of its cluster."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from clustering import selectors
from clustering.decisions.event_log import decision_state
from clustering.decisions.events import NOISE
from clustering.documents import NO_CLUSTER, Face, Image, Run
from clustering.services import ensure_projected
from review.explanation import explain_face
from review.identities import cluster_identities
from review.undo import last_undoable
from storage.names import CollectionName
from storage.vectors import face_vector_store
from web.auth import caller_name, role_required
from web.htmx import render_page
from web.roles import Role

LETTERS = 40  # text height as a fraction (1/40) of the photo's longer side
ZOOM_AROUND = 0.6  # margin on each side, as a share of the face's longer side


@dataclass(frozen=True)
class Beside:
    """A face of the photo: ``name`` is its person, or its cluster's label, or its verdict.

    ``name_y`` is the vertical position of the name, above or below the face, in px of the photo.
    """

    face: Face
    name: str
    name_y: float


@require_GET
@role_required(Role.VIEWER)
def face(request: HttpRequest, face_id: str) -> HttpResponse:
    """Show one face with its explanation."""
    path = selectors.get_face(face_id).collection
    ensure_projected(path)
    shown, run = selectors.get_face(face_id), selectors.find_current_run(path)
    image = selectors.find_image(shown)
    member = None if run is None else selectors.find_member(run, shown.id)
    if member is not None and member.cluster in NO_CLUSTER:
        member = None
    with decision_state(path) as state:
        why = run and explain_face(shown, run, member, state, vectors=face_vector_store())
        version = why.cluster and state.version(why.cluster.person) if why else 0
    context = {
        "name": CollectionName.parse(path),
        "face": shown,
        "image": image,
        "run": run,
        "member": member,
        "why": why,
        "version": version or 0,
        "beside": [] if image is None else _beside(shown, run, letters=_letters(image)),
        "letters": 0 if image is None else _letters(image),
        "decided": last_undoable(caller_name(request), path),
        "is_zoomed": "zoom" in request.GET,
        "view": _view(shown, image, is_zoomed="zoom" in request.GET),
    }
    return render_page(request, "review/face.html", context)


def _beside(face: Face, run: Run | None, *, letters: int) -> list[Beside]:
    """Return all faces of a photo with their names."""
    faces = selectors.list_faces_in_same_image(face)
    members = {} if run is None else selectors.members_by_face(run, [one.id for one in faces])
    whose = (
        {} if run is None else cluster_identities(run, {one.cluster for one in members.values()})
    )
    found = []
    for one in faces:
        label = members[one.id].cluster if one.id in members else one.verdict.value
        plain = "unmatched" if label == NOISE else label.replace("not_a_face", "not a face")
        name = whose[label].name if label in whose else plain
        top, bottom = one.bbox[1], one.bbox[1] + one.bbox[3]
        has_room = top > 2 * letters
        found.append(Beside(one, name, top - letters / 3 if has_room else bottom + letters))
    return found


def _letters(image: Image) -> int:
    """Return the text height of names in px of the photo."""
    return max(image.width, image.height) // LETTERS


def _view(face: Face, image: Image | None, *, is_zoomed: bool) -> str:
    """Return the visible part of the photo in px, as an SVG viewBox."""
    if image is None:
        return ""
    if not is_zoomed:
        return f"0 0 {image.width} {image.height}"
    left, top, width, height = face.bbox
    around = ZOOM_AROUND * max(width, height)
    return (
        f"{left - around:.0f} {top - around:.0f} {width + 2 * around:.0f} {height + 2 * around:.0f}"
    )

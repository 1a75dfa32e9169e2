"""Person page: reference photos, and the person's clusters in all collections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from assignments.documents import Assignment
from assignments.selectors import (
    iter_current_assignments,
    list_user_assignments,
    map_groups_to_runs,
)
from assignments.totals import Totals, count_user
from clustering.documents import Cluster
from clustering.selectors import get_clusters_by_label, get_runs_by_id
from profiles import services
from profiles.context import profile_stores
from profiles.documents import Profile
from profiles.enrolment import SeenPhoto, add_photos, check_photos, detect_in_photos
from profiles.errors import LastPhoto, LooksLikeAnother, NotTheSamePerson, TooManyPhotos
from profiles.forms import NameForm, ReferenceForm
from profiles.selectors import find_profile, get_profile, list_references
from profiles.serializers import check_user_id
from profiles.services import Mode
from storage.errors import ModelMismatch
from storage.names import CollectionName
from web.auth import caller_name, role_required
from web.htmx import render_page, see_other
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

CLUSTERS_PER_PAGE = 60


@dataclass(frozen=True)
class ClusterCard:
    """A cluster assigned to the person."""

    assignment: Assignment
    name: CollectionName
    cluster: Cluster


@dataclass(frozen=True)
class CollectionPart:
    """The person's numbers in one collection."""

    name: CollectionName
    part: Totals


@require_GET
@role_required(Role.VIEWER)
def profile(request: HttpRequest, user_id: str) -> HttpResponse:
    """Show a person; the fragment is one page of the clusters."""
    known = get_profile(check_user_id(user_id))
    return render_page(
        request,
        "review/profile.html",
        _context(request, known),
        fragment="review/_profile_clusters.html",
    )


@require_POST
@role_required(Role.REVIEWER)
def profile_rename(request: HttpRequest, user_id: str) -> HttpResponse:
    """Rename a person; the id does not change."""
    known = get_profile(check_user_id(user_id))
    form = NameForm(request.POST)
    if form.is_valid():
        renamed = services.rename_profile(user_id, form.cleaned_data["name"])
        messages.success(request, f"{user_id} renamed to {renamed.name or user_id}.")
        return _to_profile(request, user_id)
    return _refused(request, known, "review/_profile_rename.html", rename=form)


@require_POST
@role_required(Role.REVIEWER)
def reference_add(request: HttpRequest, user_id: str) -> HttpResponse:
    """Add reference photos, or replace the existing ones."""
    known = get_profile(check_user_id(user_id))
    form = ReferenceForm(request.POST, request.FILES)
    seen: list[SeenPhoto] = []
    if form.is_valid():
        seen = detect_in_photos(form.cleaned_data["photos"], user_id=user_id)
        if _are_added(request, known, form, seen):
            return _to_profile(request, user_id)
    return _refused(
        request,
        get_profile(user_id),
        "review/_reference_form.html",
        form=form,
        seen=seen,
        alike=find_profile(form.alike),
    )


@require_POST
@role_required(Role.REVIEWER)
def reference_drop(request: HttpRequest, user_id: str, face_id: str) -> HttpResponse:
    """Delete a reference photo; the last one is kept."""
    known = get_profile(check_user_id(user_id))
    try:
        services.drop_reference(user_id, face_id, stores=profile_stores())
    except LastPhoto as refusal:
        return _refused(
            request, known, "review/_references.html", kept=face_id, kept_reason=str(refusal)
        )
    messages.success(request, "Photo removed.")
    return _to_profile(request, user_id)


def _are_added(
    request: HttpRequest, known: Profile, form: ReferenceForm, seen: Sequence[SeenPhoto]
) -> bool:
    """Add the photos of a valid form; errors are added to the form."""
    photos = check_photos(seen)
    if photos is None:
        return False
    asked, by = form.cleaned_data, caller_name(request)
    mode = Mode.REPLACE if asked["replace"] else Mode.ADD
    try:
        after = add_photos(
            known.user_id, photos, mode=mode, force=asked["force"], by=by, fence=known.fence
        )
    except (NotTheSamePerson, LooksLikeAnother) as refusal:
        form.doubt(str(refusal), alike=refusal.extra.get("user_id", ""))
    except ModelMismatch:
        form.doubt(
            f"The existing photos were read by another model ({known.embedder}). "
            "Tick both boxes to replace them with this one."
        )
    except TooManyPhotos as refusal:
        form.add_error("photos", str(refusal))
    else:
        count = len(after.references)
        messages.success(request, f"{known.user_id} has {count} photo{'s' if count > 1 else ''}.")
        return True
    return False


def _refused(request: HttpRequest, known: Profile, fragment: str, **shown: object) -> HttpResponse:
    """Answer 422 with the error beside its form."""
    context = {**_context(request, known), **shown}
    return render_page(request, "review/profile.html", context, fragment=fragment, status=422)


def _context(request: HttpRequest, known: Profile) -> dict[str, object]:
    """Return the template context of a person."""
    runs = map_groups_to_runs()
    current = list(iter_current_assignments(list_user_assignments(known.user_id), runs))
    before = decode_cursor(request.GET.get("cursor"), within=f"{known.user_id}\t")
    rest = [one for one in current if not before or one.user_sort_key < before]
    shown = rest[:CLUSTERS_PER_PAGE]
    totals = count_user(known.user_id, current)
    return {
        "profile": known,
        "references": list_references(known),
        "totals": totals.total,
        "parts": _parts(totals.by_collection),
        "cards": _cards(shown, runs),
        "next": encode_cursor(shown[-1].user_sort_key) if len(rest) > len(shown) else None,
        "rename": NameForm(initial={"name": known.name}),
        "form": ReferenceForm(),
    }


def _parts(breakdown: Mapping[str, Totals]) -> list[CollectionPart]:
    """Return the numbers per collection, the most faces first."""
    most_first = sorted(breakdown, key=lambda path: (-breakdown[path].faces, path))
    return [CollectionPart(CollectionName.parse(path), breakdown[path]) for path in most_first]


def _cards(shown: Iterable[Assignment], runs: Mapping[str, str]) -> list[ClusterCard]:
    """Return clusters with their covers, in the order of their assignments."""
    labels: dict[str, list[str]] = {}
    for one in shown:
        labels.setdefault(one.run, []).append(one.cluster)
    by_id = get_runs_by_id(runs[groups] for groups in labels)
    found = {
        (groups, label): cluster
        for groups, asked in labels.items()
        if (run := by_id.get(runs[groups])) is not None
        for label, cluster in get_clusters_by_label(run, asked).items()
    }
    return [
        ClusterCard(one, CollectionName.parse(one.collection), found[one.run, one.cluster])
        for one in shown
        if (one.run, one.cluster) in found
    ]


def _to_profile(request: HttpRequest, user_id: str) -> HttpResponse:
    return see_other(reverse("profile", kwargs={"user_id": user_id}))

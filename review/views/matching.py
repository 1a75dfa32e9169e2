"""Assignments page: match clusters with profiles, preview the result, correct assignments."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from assignments.errors import NoProfiles
from assignments.matching import Match
from assignments.selectors import list_assignments
from assignments.services import MatchedRun, match_and_assign, threshold_of
from clustering.documents import Cluster
from clustering.errors import NoSuchRun
from clustering.selectors import current_run, list_collections
from clustering.services import ensure_projected
from profiles.documents import Profile
from profiles.selectors import count_profiles, get_profile, get_profile_names
from review.decision_form import find_person_by_name
from review.forms import MARGIN, MatchForm
from review.undo import DECIDED_IN, last_undoable
from review.views.assignment_rows import PER_PAGE, rows_of_user, rows_shown
from storage.errors import ModelMismatch
from storage.names import CollectionName
from vision import ModelMissing
from web.auth import caller_name, role_required
from web.htmx import render_page, see_other
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

SHOWN = 200  # clusters of a preview


@dataclass(frozen=True)
class PreviewRow:
    """A cluster and its most similar person, "" without one; `match` has the reason."""

    cluster: Cluster
    match: Match
    name: str

    @property
    def margin(self) -> float | None:
        """Return the lead over the next person in similarity, None without one."""
        if self.match.runner_up < 0:
            return None
        return self.match.similarity - self.match.runner_up_similarity


@dataclass(frozen=True)
class Preview:
    """The result of a dry run: counts, and rows per cluster, the largest first."""

    total: int
    assigned: int
    left: int
    kept: int
    reasons: dict[str, int]
    rows: list[PreviewRow]
    more: int


@require_GET
@role_required(Role.VIEWER)
def assignments(request: HttpRequest) -> HttpResponse:
    """Show the assignments of a collection, or of the person ``?user=``."""
    person = request.GET.get("user", "").strip()
    if person:
        context = _context_of_user(request, get_profile(find_person_by_name(person)))
    else:
        context = _context(request, request.GET.get("collection"))
    return render_page(request, "review/assignments.html", context)


@require_POST
@role_required(Role.REVIEWER)
def matching(request: HttpRequest) -> HttpResponse:
    """Match a collection's clusters: show a preview, or save the result."""
    form, is_saved = MatchForm(request.POST), request.POST.get("save") == "on"
    matched: MatchedRun | None = None
    if form.is_valid():
        asked = {**form.cleaned_data, "dry_run": not is_saved}
        try:
            matched = match_and_assign(
                current_run(asked["collection"]), asked, engine=settings.VISION
            )
        except (NoProfiles, NoSuchRun, ModelMismatch) as refusal:
            form.add_error(None, str(refusal))
    if matched is not None and is_saved:
        messages.success(request, _saved_sentence(len(matched.done.matches)))
        query = urlencode({"collection": form.cleaned_data["collection"]})
        return see_other(f"{reverse('assignments')}?{query}")
    context = _context(request, request.POST.get("collection"))
    context |= {"form": form, "preview": matched and _preview(matched)}
    return render_page(
        request,
        "review/assignments.html",
        context,
        fragment="review/_match.html",
        status=422 if form.errors else 200,
    )


def _saved_sentence(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'} assigned."


def _context(request: HttpRequest, asked: str | None) -> dict[str, object]:
    """Return the template context of a collection, by default the first one."""
    known = [one for one in list_collections() if one.current_run]
    path = asked or (known[0].path if known else "")
    if not path:
        return {"collections": []}
    name = CollectionName.parse(path)
    run, settled = current_run(name.path), ensure_projected(name.path)
    after = decode_cursor(request.GET.get("cursor"), within=f"{run.clusters_run}/")
    found = list_assignments(run.clusters_run, after=after, limit=PER_PAGE + 1)
    page = found[:PER_PAGE]
    initial: dict[str, object] = {"collection": path, "margin": MARGIN}
    with suppress(ModelMissing):  # an embedder that is not in the catalogue
        initial["threshold"] = threshold_of(run, settings.VISION)
    return {
        "collections": known,
        "path": path,
        "name": name,
        "run": run,
        "rows": rows_shown(page, {settled.id: settled} if settled else {}),
        "next": encode_cursor(page[-1].sort_key) if len(found) > PER_PAGE else None,
        "list": urlencode({"collection": name.path}),
        "back": _back(request, collection=name.path),
        "form": MatchForm(initial=initial),
        "has_people": count_profiles() > 0,
        "decided": last_undoable(caller_name(request), name.path),
    }


def _context_of_user(request: HttpRequest, person: Profile) -> dict[str, object]:
    """Return the template context of a person."""
    before = decode_cursor(request.GET.get("cursor"), within=f"{person.user_id}\t")
    rows, more = rows_of_user(person.user_id, before=before)
    path = request.session.get(DECIDED_IN, "")
    decided = last_undoable(caller_name(request), path) if path else None
    return {
        "collections": [one for one in list_collections() if one.current_run],
        "person": person,
        "rows": rows,
        "next": encode_cursor(more) if more else None,
        "list": urlencode({"user": person.user_id}),
        "back": _back(request, user=person.user_id),
        "has_people": True,
        "decided": decided,
        "name": CollectionName.parse(decided.path) if decided else None,
    }


def _back(request: HttpRequest, **listed: str) -> str:
    """Return the URL that forms return to: the current page, or after a POST the page's own URL."""
    if request.method == "GET":
        return request.get_full_path()
    return f"{reverse('assignments')}?{urlencode(listed)}"


def _preview(matched: MatchedRun) -> Preview:
    """Return the counts of a dry run, its first rows, and the reasons of unassigned clusters."""
    found, done = matched.found, matched.done
    open_ = [
        one for one in found.clusters if one.label in done.matches or one.label in done.reasons
    ]
    matches = [found.matches[one.label] for one in open_[:SHOWN]]
    ids = ["" if one.profile < 0 else found.user_ids[one.profile] for one in matches]
    names = get_profile_names({one for one in ids if one})
    return Preview(
        total=len(found.clusters),
        assigned=len(done.matches),
        left=len(done.reasons),
        kept=done.kept,
        reasons=dict(Counter(one.value for one in done.reasons.values())),
        rows=[
            PreviewRow(cluster, match, names.get(user_id, user_id))
            for cluster, match, user_id in zip(open_[:SHOWN], matches, ids, strict=True)
        ],
        more=max(len(open_) - SHOWN, 0),
    )

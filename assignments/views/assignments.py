"""Whose the clusters of a collection are: match them, see at once what that would do, correct."""

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

from assignments.answers import MatchResult
from assignments.documents import Assignment
from assignments.edge import request_match, threshold_of
from assignments.errors import NoProfiles
from assignments.forms import MARGIN, MatchForm
from assignments.selectors import assignments_page
from assignments.undoing import decided_last
from clustering.decisions.law import Law
from clustering.decisions.log import law_of
from clustering.documents import Cluster, Run
from clustering.edge import groups_settle
from clustering.errors import NoSuchRun
from clustering.selectors import clusters_by_label, collection_list, run_current
from profiles.selectors import profile_names, profiles_count
from storage.errors import ModelMismatch
from storage.names import CollectionName
from vision import ModelMissing
from web.auth import role_required
from web.htmx import go_to, render_page
from web.paging import cursor_decode, cursor_encode
from web.roles import Role

PER_PAGE = 60
SHOWN = 200  # clusters of a preview


@dataclass(frozen=True)
class Row:
    """An assignment as the page shows it; ``version`` is the cluster's last decision then."""

    assignment: Assignment
    cluster: Cluster | None
    name: str
    version: int


@require_GET
@role_required(Role.VIEWER)
def assignments(request: HttpRequest) -> HttpResponse:
    """Show whose the clusters of a collection are."""
    return render_page(
        request, "assignments/assignments.html", _context(request, request.GET.get("collection"))
    )


@require_POST
@role_required(Role.REVIEWER)
def matching(request: HttpRequest) -> HttpResponse:
    """Match a collection's clusters: show what that would do, or save it."""
    form, is_saved = MatchForm(request.POST), request.POST.get("save") == "on"
    result: MatchResult | None = None
    if form.is_valid():
        asked = {**form.cleaned_data, "dry_run": not is_saved}
        try:
            run = run_current(asked["collection"])
            result = request_match(run, asked, engine=settings.VISION)
        except (NoProfiles, NoSuchRun, ModelMismatch) as refusal:
            form.add_error(None, str(refusal))
    if result is not None and is_saved:
        messages.success(request, f"{result['assigned_clusters']} clusters are assigned now.")
        query = urlencode({"collection": result["bucket_path"]})
        return go_to(request, f"{reverse('assignments')}?{query}")
    context = _context(request, request.POST.get("collection"))
    context |= {"form": form, "result": result, "preview": result and _preview(run, result)}
    return render_page(
        request,
        "assignments/assignments.html",
        context,
        fragment="assignments/_match.html",
        status=422 if form.errors else 200,
    )


def _context(request: HttpRequest, asked: str | None) -> dict[str, object]:
    """Return what the page shows of a collection, the first one if none is asked for."""
    known = [one for one in collection_list() if one.current_run]
    path = asked or (known[0].path if known else "")
    if not path:
        return {"collections": []}
    name = CollectionName.parse(path)
    groups_settle(name.path)
    run = run_current(name.path)
    after = cursor_decode(request.GET.get("cursor"), within=f"{run.clusters_run}/")
    with law_of(name.path) as law:  # before the rows: what is decided meanwhile is news to them
        found = assignments_page(run.clusters_run, after=after, limit=PER_PAGE + 1)
        page = found[:PER_PAGE]
        rows = _rows(run, page, law)
    initial: dict[str, object] = {"collection": path, "margin": MARGIN}
    with suppress(ModelMissing):  # of an embedder that no catalogue knows
        initial["threshold"] = threshold_of(run, settings.VISION)
    return {
        "collections": known,
        "path": path,
        "name": name,
        "run": run,
        "rows": rows,
        "next": cursor_encode(page[-1].place) if len(found) > PER_PAGE else None,
        "form": MatchForm(initial=initial),
        "has_people": profiles_count() > 0,
        "decided": decided_last(request.session, name.path),
    }


def _rows(run: Run, page: list[Assignment], law: Law) -> list[Row]:
    """Return assignments with their clusters, names and versions."""
    clusters = clusters_by_label(run, [one.cluster for one in page])
    names = profile_names({one.user_id for one in page})
    return [
        Row(
            one,
            cluster := clusters.get(one.cluster),
            names.get(one.user_id, one.user_id),
            law.version(cluster.person) if cluster is not None else 0,
        )
        for one in page
    ]


def _preview(run: Run, result: MatchResult) -> dict[str, object]:
    """Return what a matching would do, the first clusters of it, and why others stay nobody's."""
    some = list(result["assignments"].items())[:SHOWN]
    clusters = clusters_by_label(run, [label for label, _ in some])
    names = profile_names({one["user_id"] for _, one in some})
    return {
        "rows": [
            {
                "cluster": clusters.get(label),
                "label": label,
                "name": names.get(one["user_id"], one["user_id"]),
                "match": one,
            }
            for label, one in some
        ],
        "more": max(result["assigned_clusters"] - SHOWN, 0),
        "reasons": dict(Counter(result["unassigned_reasons"].values())),
    }

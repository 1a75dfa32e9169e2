"""A cluster's page: its faces to choose from, who it may be, and which clusters are like it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from assignments.edge import likely_from
from assignments.people import PersonHit, cluster_look, people_like, whose_clusters
from assignments.undoing import decided_last
from clustering import selectors
from clustering.decisions.law import Law
from clustering.decisions.log import law_of
from clustering.documents import Cluster, Member, Run
from clustering.edge import groups_settle
from clustering.errors import NoSuchRun
from clustering.proposals import proposals_open
from profiles.template_table import template_table
from storage.names import CollectionName
from storage.vectors import face_vectors
from web.auth import caller_name, role_required
from web.htmx import render_page
from web.paging import cursor_decode, cursor_encode
from web.roles import Role

FACES_PER_PAGE = 120
SUGGESTED = 5
ALIKE = 6
ORDERS = {
    "": "most typical first",
    "odd": "least typical first",
    "newest": "newest photo first",
}
PAGES = {"odd": selectors.members_last, "newest": selectors.members_newest}


@dataclass(frozen=True)
class Alike:
    """Another cluster that may be the same person, by the name or else the label it has."""

    cluster: Cluster
    similarity: float
    name: str


@require_GET
@role_required(Role.VIEWER)
def cluster(request: HttpRequest, bucket: str, sub: str, cluster_id: str) -> HttpResponse:
    """Show the faces of one cluster, or of the noise."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    groups_settle(name.path)
    run = _run_shown(name, request.GET.get("run", ""))
    shown = selectors.cluster_get(run, cluster_id)
    order = request.GET.get("order", "")
    after = cursor_decode(request.GET.get("cursor"), within=f"{shown.run}/{shown.label}/")
    page = PAGES.get(order, selectors.members_page)
    found = page(run, shown.label, after=after, limit=FACES_PER_PAGE + 1)
    members = found[:FACES_PER_PAGE]
    is_current = selectors.collection_get(name.path).current_run == run.id
    with law_of(name.path) as law:
        context: dict[str, object] = {
            "name": name,
            "run": run,
            "cluster": shown,
            "members": members,
            "confirmed": {one.face for one in members if one.face in law.attached},
            "version": law.version(shown.person),
            "next": _cursor(members[-1], order) if len(found) > FACES_PER_PAGE else None,
            "order": order if order in PAGES else "",
            "orders": ORDERS,
            "is_current": is_current,
            "decided": decided_last(caller_name(request), name.path),
            "whose": whose_clusters(run, [shown.label]).get(shown.label),
        }
        if not shown.face_count and not shown.is_noise:
            heir = law.root(shown.person)
            context["heir"] = selectors.labels_by_person(run, [heir]).get(heir, "")
        if is_current and not request.GET.get("cursor"):
            context |= _beside(run, shown, law)
    return render_page(
        request, "assignments/cluster.html", context, fragment="assignments/_faces.html"
    )


def _cursor(last: Member, order: str) -> str:
    """Return where the page goes on behind its last face."""
    if order != "newest":
        return cursor_encode(last.place)
    return cursor_encode(
        Member.dated_place_for(
            last.run, last.cluster, taken=last.taken, key=last.key, face=last.face
        )
    )


def _beside(run: Run, shown: Cluster, law: Law) -> dict[str, object]:
    """Return who a cluster may be, and which others it may be one with."""
    return {
        "suggested": [] if shown.is_noise else _suggested(run, shown, law),
        "alike": [] if shown.is_noise else _alike(run, shown, law),
        "likely_from": likely_from(run),
    }


def _suggested(run: Run, shown: Cluster, law: Law) -> list[PersonHit]:
    """Return the people a cluster is most like, without those it was said not to be."""
    table = template_table(run.embedder)
    if not table.user_ids:
        return []
    look = cluster_look(run, shown.label, vectors=face_vectors())
    return people_like(
        look, table, embedder=run.embedder, limit=SUGGESTED, refused=law.refused(shown.person)
    )


def _alike(run: Run, shown: Cluster, law: Law) -> list[Alike]:
    """Return the clusters that are proposed to be one with this."""
    labels = {
        one.other if one.cluster == shown.label else one.cluster: one.similarity
        for one in proposals_open(run, law, about=shown.label)
    }
    known = selectors.clusters_by_label(run, list(labels)[:ALIKE])
    whose = whose_clusters(run, known)
    return [
        Alike(known[label], alike, whose[label].name if label in whose else label)
        for label, alike in labels.items()
        if label in known
    ]


def _run_shown(name: CollectionName, asked: str) -> Run:
    """Return the run a page shows: the one asked for, else the current one."""
    if asked:
        return selectors.run_get(asked, collection=name.path)
    run = selectors.run_find(selectors.collection_get(name.path).current_run)
    if run is None:
        raise NoSuchRun(f"{name.path} has no finished run yet.")
    return run

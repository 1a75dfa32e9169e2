"""Cluster page: faces to select, suggested people, and similar clusters."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from clustering import selectors
from clustering.decisions.event_log import decision_state
from clustering.decisions.state import DecisionState
from clustering.documents import Cluster, Member, Run
from clustering.errors import NoSuchRun
from clustering.merge_suggestions import list_open_suggestions
from clustering.services import ensure_projected
from profiles.gallery import load_gallery
from review.identities import PersonHit, cluster_embedding, cluster_identities, similar_people
from review.services import likely_threshold
from review.undo import last_undoable
from storage.names import CollectionName
from storage.vectors import face_vector_store
from web.auth import caller_name, role_required
from web.htmx import render_page
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

FACES_PER_PAGE = 120
SUGGESTED = 5
ALIKE = 6
ORDERS = {
    "": "most typical first",
    "odd": "least typical first",
    "newest": "newest photo first",
}
PAGES = {"odd": selectors.list_last_members, "newest": selectors.list_newest_members}


@dataclass(frozen=True)
class Alike:
    """Another cluster that may be the same person; ``name`` is its person's name, or its label."""

    cluster: Cluster
    similarity: float
    name: str


@require_GET
@role_required(Role.VIEWER)
def cluster(request: HttpRequest, bucket: str, sub: str, cluster_id: str) -> HttpResponse:
    """Show the faces of one cluster, or of the noise."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    ensure_projected(name.path)
    run = _run_shown(name, request.GET.get("run", ""))
    shown = selectors.get_cluster(run, cluster_id)
    order = request.GET.get("order", "")
    after = decode_cursor(request.GET.get("cursor"), within=f"{shown.run}/{shown.label}/")
    page = PAGES.get(order, selectors.list_members)
    found = page(run, shown.label, after=after, limit=FACES_PER_PAGE + 1)
    members = found[:FACES_PER_PAGE]
    is_current = selectors.get_collection(name.path).current_run == run.id
    with decision_state(name.path) as state:
        context: dict[str, object] = {
            "name": name,
            "run": run,
            "cluster": shown,
            "members": members,
            "confirmed": {one.face for one in members if one.face in state.attached},
            "version": state.version(shown.person),
            "next": _cursor(members[-1], order) if len(found) > FACES_PER_PAGE else None,
            "order": order if order in PAGES else "",
            "orders": ORDERS,
            "is_current": is_current,
            "decided": last_undoable(caller_name(request), name.path),
            "whose": cluster_identities(run, [shown.label]).get(shown.label),
        }
        if not shown.face_count and not shown.is_noise:
            heir = state.root(shown.person)
            context["heir"] = selectors.labels_by_person(run, [heir]).get(heir, "")
        if is_current and not request.GET.get("cursor"):
            context |= _beside(run, shown, state)
    return render_page(request, "review/cluster.html", context, fragment="review/_faces.html")


def _cursor(last: Member, order: str) -> str:
    """Return the cursor of the next page."""
    if order != "newest":
        return encode_cursor(last.sort_key)
    return encode_cursor(
        Member.dated_sort_key_for(
            last.run, last.cluster, taken=last.taken, key=last.key, face=last.face
        )
    )


def _beside(run: Run, shown: Cluster, state: DecisionState) -> dict[str, object]:
    """Return the suggestions for a cluster: people and merges."""
    return {
        "suggested": [] if shown.is_noise else _suggested(run, shown, state),
        "alike": [] if shown.is_noise else _alike(run, shown, state),
        "likely_from": likely_threshold(run),
    }


def _suggested(run: Run, shown: Cluster, state: DecisionState) -> list[PersonHit]:
    """Return the people most similar to a cluster, without those that reviewers rejected."""
    table = load_gallery(run.embedder)
    if not table.user_ids:
        return []
    embedding = cluster_embedding(run, shown.label, vectors=face_vector_store())
    return similar_people(
        embedding,
        table,
        embedder=run.embedder,
        limit=SUGGESTED,
        refused=state.refused(shown.person),
    )


def _alike(run: Run, shown: Cluster, state: DecisionState) -> list[Alike]:
    """Return the clusters of the open merge suggestions for this cluster."""
    labels = {
        one.other if one.cluster == shown.label else one.cluster: one.similarity
        for one in list_open_suggestions(run, state, about=shown.label)
    }
    known = selectors.get_clusters_by_label(run, list(labels)[:ALIKE])
    whose = cluster_identities(run, known)
    return [
        Alike(known[label], alike, whose[label].name if label in whose else label)
        for label, alike in labels.items()
        if label in known
    ]


def _run_shown(name: CollectionName, asked: str) -> Run:
    """Return the requested run, else the current run."""
    if asked:
        return selectors.get_run(asked, collection=name.path)
    run = selectors.find_run(selectors.get_collection(name.path).current_run)
    if run is None:
        raise NoSuchRun(f"{name.path} has no finished run yet.")
    return run

"""Collection page: its people as cards, with filters and orders, and the review queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from clustering import selectors
from clustering.decisions.event_log import ignored_persons
from clustering.documents import Cluster, Run
from clustering.progress import run_progress
from clustering.run_diff import list_changed_faces
from clustering.services import ensure_projected
from profiles.documents import fold_name
from review.identities import ClusterIdentity, all_cluster_identities, cluster_identities
from review.queues import Queue
from review.undo import last_undoable
from storage.names import CollectionName
from web.auth import caller_name, role_required
from web.htmx import render_page
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

PER_PAGE = 60
SMALL = 3  # faces of a small cluster, at most
LOOSE = 0.1  # a cluster is suspicious if its cohesion is this much below the run's mean
FILTERS = {
    "": "All",
    "unassigned": "Unassigned",
    "assigned": "Assigned",
    "suspicious": "Suspicious",
    "small": "Small",
    "ignored": "With ignored faces",
}
ORDERS = {
    "": "size",
    "newest": "newest",
    "cohesion": "consistency",
    "similarity": "similarity",
    "name": "name",
}
RUNS_SHOWN = 10
CHANGED_SHOWN, LOOKED_AT = 60, 3000  # faces of a preview: to show, to compare at most


@dataclass(frozen=True)
class PersonCard:
    """A cluster and its identity, None if unassigned."""

    cluster: Cluster
    whose: ClusterIdentity | None


@require_GET
@role_required(Role.VIEWER)
def collection(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Show the people of a collection's current run, or of the run ``?run=``."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    known = selectors.get_collection(name.path)
    ensure_projected(name.path)
    newest = selectors.find_run(known.newest_run)
    shown = request.GET.get("run", "")
    run = (
        selectors.get_run(shown, collection=name.path)
        if shown
        else selectors.find_run(known.current_run)
    )
    context: dict[str, object] = {
        "name": name,
        "newest": newest,
        "progress": None if newest is None else run_progress(newest),
        "run": run,
        "runs": selectors.list_runs(name.path, limit=RUNS_SHOWN),
        "queues": list(Queue),
        "filters": FILTERS,
        "orders": ORDERS,
        "decided": last_undoable(caller_name(request), name.path),
    }
    if run is not None:
        context |= _page(request, run)
        if run.preview:
            context["looked_at"] = LOOKED_AT
            context["changed"] = list(
                islice(list_changed_faces(run, looked_at=LOOKED_AT), CHANGED_SHOWN)
            )
    return render_page(request, "review/collection.html", context, fragment="review/_people.html")


def _page(request: HttpRequest, run: Run) -> dict[str, object]:
    """Return the requested page of cards: the stored order by size, or filtered and sorted."""
    chosen, order = request.GET.get("show", ""), request.GET.get("order", "")
    text = fold_name(request.GET.get("q", ""))[:100]
    asked = {"chosen": chosen, "order": order, "text": request.GET.get("q", "")[:100]}
    if not (chosen or order or text):
        return {**asked, **_by_size(request, run)}
    start = _number(request.GET.get("from", ""))
    found = _chosen(run, chosen=chosen, order=order, text=text)
    more = start + PER_PAGE if len(found) > start + PER_PAGE else None
    page = found[start : start + PER_PAGE]
    known = selectors.get_clusters_by_label(run, [label for label, _ in page])
    cards = [PersonCard(known[label], whose) for label, whose in page if label in known]
    return {**asked, "cards": cards, "count": len(found), "more": more and f"from={more}"}


def _by_size(request: HttpRequest, run: Run) -> dict[str, object]:
    """Return a page of cards in the stored order."""
    after = decode_cursor(request.GET.get("cursor"), within=f"{run.clusters_run}/")
    found = selectors.list_clusters(run, after=after, limit=PER_PAGE + 1)
    page = found[:PER_PAGE]
    whose = cluster_identities(run, [one.label for one in page])
    more = encode_cursor(page[-1].sort_key) if len(found) > PER_PAGE else None
    return {
        "cards": [PersonCard(one, whose.get(one.label)) for one in page],
        "more": more and f"cursor={more}",
    }


def _chosen(
    run: Run, *, chosen: str, order: str, text: str
) -> list[tuple[str, ClusterIdentity | None]]:
    """Return the labels and identities of all clusters that pass a filter, sorted."""
    whose = all_cluster_identities(run)
    rows = [one for one in selectors.list_clusters_brief(run) if one["face_count"]]
    minimum = sum(one["cohesion"] for one in rows) / max(len(rows), 1) - LOOSE
    fits: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "unassigned": lambda row: row["label"] not in whose,
        "assigned": lambda row: row["label"] in whose,
        "suspicious": lambda row: row["face_count"] > 1 and row["cohesion"] < minimum,
        "small": lambda row: row["face_count"] <= SMALL,
    }
    if chosen == "ignored":
        persons = ignored_persons(run.collection)
        rows = [row for row in rows if row["person"] in persons]
    elif chosen in fits:
        rows = [row for row in rows if fits[chosen](row)]
    if text:
        rows = [row for row in rows if text in _words(row["label"], whose.get(row["label"]))]
    if order == "newest":
        rows.sort(key=lambda row: row.get("newest", ""), reverse=True)
    elif order == "cohesion":
        rows.sort(key=itemgetter("cohesion"))
    elif order == "similarity":
        rows.sort(key=lambda row: _similarity(whose.get(row["label"])))
    elif order == "name":
        rows.sort(key=lambda row: _by_name(row["label"], whose.get(row["label"])))
    return [(row["label"], whose.get(row["label"])) for row in rows]


def _words(label: str, whose: ClusterIdentity | None) -> str:
    """Return the text that the page's search field is matched against."""
    return fold_name(f"{whose.name} {whose.user_id} {label}" if whose else label)


def _similarity(whose: ClusterIdentity | None) -> float:
    """Return the sort key of an assignment's similarity; unassigned clusters come last."""
    return whose.similarity if whose else 2.0


def _by_name(label: str, whose: ClusterIdentity | None) -> tuple[bool, str]:
    """Return the sort key of the order by name; unassigned clusters come last."""
    return whose is None, _words(label, whose)


def _number(text: str) -> int:
    """Parse a number of a query string; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

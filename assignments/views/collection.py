"""A collection's page: its people as cards, chosen and ordered, and what waits for review."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from assignments.people import Whose, whose_clusters
from assignments.queues import Queue
from assignments.undoing import decided_last
from clustering import selectors
from clustering.documents import Cluster, Run
from clustering.edge import groups_settle
from clustering.progress import run_progress
from profiles.documents import name_folded
from storage.names import CollectionName
from web.auth import role_required
from web.htmx import render_page
from web.paging import cursor_decode, cursor_encode
from web.roles import Role

PER_PAGE = 60
SMALL = 3  # faces at most
LOOSE = 0.1  # below the mean cohesion of the run's clusters: suspicious
FILTERS = {
    "": "All",
    "unassigned": "Unassigned",
    "assigned": "Assigned",
    "suspicious": "Suspicious",
    "small": "Small",
}
ORDERS = {"": "size", "cohesion": "cohesion", "similarity": "similarity", "name": "name"}
RUNS_SHOWN = 10


@dataclass(frozen=True)
class PersonCard:
    """A cluster, and who it is."""

    cluster: Cluster
    whose: Whose | None


@require_GET
@role_required(Role.VIEWER)
def collection(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Show the people of a collection, or of a named earlier run."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    known = selectors.collection_get(name.path)
    groups_settle(name.path)
    newest = selectors.run_find(known.newest_run)
    shown = request.GET.get("run", "")
    run = (
        selectors.run_get(shown, collection=name.path)
        if shown
        else selectors.run_find(known.current_run)
    )
    context: dict[str, object] = {
        "name": name,
        "newest": newest,
        "progress": None if newest is None else run_progress(newest),
        "run": run,
        "runs": selectors.runs_page(name.path, limit=RUNS_SHOWN),
        "queues": list(Queue),
        "filters": FILTERS,
        "orders": ORDERS,
        "decided": decided_last(request.session, name.path),
    }
    if run is not None:
        context |= _page(request, run)
    return render_page(
        request, "assignments/collection.html", context, fragment="assignments/_people.html"
    )


def _page(request: HttpRequest, run: Run) -> dict[str, object]:
    """Return the page of cards that is asked for: by size as they are stored, or chosen."""
    chosen, order = request.GET.get("show", ""), request.GET.get("order", "")
    text = name_folded(request.GET.get("q", ""))[:100]
    asked = {"chosen": chosen, "order": order, "text": request.GET.get("q", "")[:100]}
    if not (chosen or order or text):
        return {**asked, **_by_size(request, run)}
    start = _number(request.GET.get("from", ""))
    cards = _chosen(run, chosen=chosen, order=order, text=text)
    more = start + PER_PAGE if len(cards) > start + PER_PAGE else None
    page = cards[start : start + PER_PAGE]
    return {**asked, "cards": page, "count": len(cards), "more": more and f"from={more}"}


def _by_size(request: HttpRequest, run: Run) -> dict[str, object]:
    """Return a page of cards in the order they are stored in."""
    after = cursor_decode(request.GET.get("cursor"), within=f"{run.clusters_run}/")
    found = selectors.clusters_page(run, after=after, limit=PER_PAGE + 1)
    page = found[:PER_PAGE]
    whose = whose_clusters(run, [one.label for one in page])
    more = cursor_encode(page[-1].place) if len(found) > PER_PAGE else None
    return {
        "cards": [PersonCard(one, whose.get(one.label)) for one in page],
        "more": more and f"cursor={more}",
    }


def _chosen(run: Run, *, chosen: str, order: str, text: str) -> list[PersonCard]:
    """Return the cards of all clusters that a filter chooses, in an order."""
    clusters = [one for one in selectors.clusters_all(run) if one.face_count and not one.is_noise]
    whose = whose_clusters(run, [one.label for one in clusters])
    cards = [PersonCard(one, whose.get(one.label)) for one in clusters]
    bar = sum(one.cohesion for one in clusters) / max(len(clusters), 1) - LOOSE
    fits = {
        "unassigned": lambda card: card.whose is None,
        "assigned": lambda card: card.whose is not None,
        "suspicious": lambda card: card.cluster.face_count > 1 and card.cluster.cohesion < bar,
        "small": lambda card: card.cluster.face_count <= SMALL,
    }.get(chosen, lambda card: True)
    cards = [card for card in cards if fits(card) and text in _words(card)]
    if order == "cohesion":
        cards.sort(key=attrgetter("cluster.cohesion"))
    elif order == "similarity":
        cards.sort(key=lambda card: card.whose.similarity if card.whose else 2.0)
    elif order == "name":
        cards.sort(key=lambda card: (card.whose is None, name_folded(_words(card))))
    return cards


def _words(card: PersonCard) -> str:
    """Return what a search in the page looks at."""
    whose = card.whose
    words = f"{whose.name} {whose.user_id} " if whose else ""
    return name_folded(words + card.cluster.label)


def _number(text: str) -> int:
    """Return a number of an address, 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

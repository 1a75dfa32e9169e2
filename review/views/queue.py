"""Queue page: one question at a time; the next ones are preloaded in the page."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from clustering.decisions.errors import StaleDecision
from clustering.decisions.event_log import decision_state
from clustering.documents import Run
from clustering.errors import NoSuchRun
from clustering.selectors import get_collection
from clustering.services import ensure_projected
from review.last_seen import last_seen_at, mark_seen
from review.queues import Card, Queue, ReviewQueues
from review.services import likely_threshold
from review.undo import last_undoable
from storage.names import CollectionName
from storage.vectors import face_vector_store
from web.auth import caller_name, role_required
from web.htmx import render_page, see_other
from web.roles import Role

AHEAD = 3  # cards in the page
LATER = "later"
MOST_LATER = 1000


@require_GET
@role_required(Role.REVIEWER)
def queue(request: HttpRequest, bucket: str, sub: str, queue: str) -> HttpResponse:
    """Show the first cards of a queue; postponed ones come last."""
    name, asked = CollectionName.parse(f"{bucket}/{sub}"), Queue(queue)
    get_collection(name.path)
    shown_at = timezone.now()
    run = _run_settled(name)
    cards, count = _cards(request, name, run, asked, shown=[], limit=AHEAD)
    context = {
        "name": name,
        "queue": asked,
        "queues": list(Queue),
        "shown_at": shown_at.isoformat(),
        "cards": cards,
        "count": count,
        "likely_from": likely_threshold(run),
        "decided": last_undoable(caller_name(request), name.path),
    }
    return render_page(request, "review/queue.html", context)


@require_GET
@role_required(Role.REVIEWER)
def queues_waiting(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Return the fragment with the size of each queue; pages load it after themselves."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    run = _run_settled(name)
    since = last_seen_at(caller_name(request), run)
    with decision_state(name.path) as state:
        queues = ReviewQueues(run, state, vectors=face_vector_store(), since=since)
        waiting = [(one, len(queues.waiting(one))) for one in Queue]
    template = "_waiting_words" if request.GET.get("as") == "words" else "_queues"
    first = next((one for one, count in waiting if count), None)
    context = {"name": name, "waiting": waiting, "first": first}
    return render(request, f"review/{template}.html", context)


@require_POST
@role_required(Role.REVIEWER)
def queue_later(request: HttpRequest, bucket: str, sub: str, queue: str) -> HttpResponse:
    """Postpone a card until all others are answered."""
    name, asked = CollectionName.parse(f"{bucket}/{sub}"), Queue(queue)
    later = request.session.get(LATER, {})
    place = f"{name.path}\t{asked.value}"
    put_off = [one for one in later.get(place, []) if one != request.POST.get("card")]
    later[place] = [*put_off, request.POST.get("card", "")[:200]][-MOST_LATER:]
    request.session[LATER] = later
    if request.htmx:
        return queue_answered(request, name, asked)
    return see_other(request.path.removesuffix("later/"))


@require_POST
@role_required(Role.REVIEWER)
def queue_seen(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Mark all new faces as seen by the caller."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    get_collection(name.path)
    mark_seen(caller_name(request), name.path, at=_moment(request.POST.get("shown_at", "")))
    messages.info(request, "All marked as seen.")
    return see_other(reverse("collection", kwargs={"bucket": bucket, "sub": sub}))


def queue_answered(request: HttpRequest, name: CollectionName, queue: Queue) -> HttpResponse:
    """Answer a decision about a card with the next card, the count and the undo line."""
    context = queue_context(request, name, queue)
    return render(request, "review/_queue_answered.html", context)


def queue_context(request: HttpRequest, name: CollectionName, queue: Queue) -> dict[str, object]:
    """Return the context after an answer: the next card that is not in the page, and the count."""
    shown = [*request.POST.getlist("shown"), request.POST.get("card", "")]
    run = _run_settled(name)
    cards, count = _cards(request, name, run, queue, shown=shown, limit=1)
    return {
        "name": name,
        "queue": queue,
        "cards": cards,
        "count": count,
        "likely_from": likely_threshold(run),
        "decided": last_undoable(caller_name(request), name.path),
        "back": reverse(
            "queue", kwargs={"bucket": name.bucket, "sub": name.sub, "queue": queue.value}
        ),
    }


def card_check(request: HttpRequest, name: CollectionName) -> None:
    """Raise StaleDecision if the card of a queue has already been answered."""
    asked = request.POST.get("queue", "")
    if not asked:
        return
    run = _run_settled(name)  # before locking the decision state: the projection locks it, too
    with decision_state(name.path) as state:
        queues = ReviewQueues(run, state, vectors=face_vector_store())
        if not queues.is_open(Queue(asked), request.POST.get("card", "")):
            raise StaleDecision("Another reviewer answered this meanwhile.", changed=[])


def _cards(
    request: HttpRequest,
    name: CollectionName,
    run: Run,
    queue: Queue,
    *,
    shown: list[str],
    limit: int,
) -> tuple[list[Card], int]:
    """Return the next cards that are not shown yet, and the size of the queue."""
    put_off = request.session.get(LATER, {}).get(f"{name.path}\t{queue.value}", [])
    with decision_state(name.path) as state:
        since = last_seen_at(caller_name(request), run) if queue == Queue.NEW else None
        queues = ReviewQueues(run, state, vectors=face_vector_store(), since=since)
        waiting = queues.waiting(queue)
        ordered = sorted(waiting, key=lambda key: put_off.index(key) if key in put_off else -1)
        fresh = [key for key in ordered if key not in shown]
        return [queues.card(queue, key) for key in fresh[:limit]], len(waiting)


def _moment(text: str) -> datetime:
    """Parse the time a page was shown at; now for invalid or future times."""
    now = timezone.now()
    try:
        shown = datetime.fromisoformat(text)
    except ValueError:
        return now
    return min(shown, now) if shown.tzinfo else now


def _run_settled(name: CollectionName) -> Run:
    """Return the current run with all decisions projected; raise NoSuchRun without one."""
    run = ensure_projected(name.path)
    if run is None:
        raise NoSuchRun(f"{name.path} has no finished run yet.")
    return run

"""Decisions from pages, undo, and enrolment of a cluster; the answer is the undo line."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import reswap, retarget

from assignments.services import record_decision
from clustering.decisions.commands import REGROUPED, DecisionCommand
from clustering.decisions.errors import (
    ContradictsDecisions,
    NotUndoable,
    RegroupedSince,
    StaleDecision,
)
from clustering.decisions.event_log import get_decision
from clustering.decisions.events import EventKind
from clustering.selectors import current_run
from profiles.context import profile_stores
from profiles.errors import LooksLikeAnother, NoFace
from profiles.selectors import find_profile, search_profiles
from review.decision_form import DecisionForm
from review.errors import NoSuchName
from review.people.enrol import enrol_cluster_person
from review.queues import Queue
from review.undo import DECIDED_IN, decision_text, last_undoable
from review.views.queue import card_check, queue_answered, queue_context
from storage.errors import Conflict
from storage.names import CollectionName
from storage.pictures import face_crop_store
from vision import get_engine
from web.auth import caller_name, role_required
from web.errors import NotValid, refusal_from
from web.htmx import came_from, see_other
from web.roles import Role

GONE = (EventKind.REJECT, EventKind.MOVE, EventKind.SPLIT, EventKind.NOT_A_FACE, EventKind.IGNORE)
CHAIN_SHOWN = 20
ALIKE = 5  # people whose name starts with the typed text
LONGEST_NAME = 200  # characters


@require_POST
@role_required(Role.REVIEWER)
def decide(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Make the decision of a form; show conflicting decisions on the same page."""
    name, form = CollectionName.parse(f"{bucket}/{sub}"), DecisionForm(request.POST)
    if not form.is_valid():
        raise NotValid(form.errors)
    try:
        card_check(request, name)
        asked = form.asked(request.POST.getlist("faces"), run=current_run(name.path))
        decision = record_decision(name.path, asked, by=caller_name(request))
    except (StaleDecision, ContradictsDecisions) as conflict:
        return _conflict(request, name, conflict)
    except NoSuchName as unknown:
        return _unknown(request, name, unknown)
    request.session[DECIDED_IN] = name.path
    return _answer(request, name, gone=decision.faces if asked.kind in GONE else [])


@require_POST
@role_required(Role.REVIEWER)
def decision_take_back(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Undo the caller's last decision, or the decision in the form."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    last = last_undoable(caller_name(request), name.path)
    decision_id = request.POST.get("decision", "") or (last.id if last else "")
    undone = get_decision(decision_id)
    try:
        record_decision(
            undone.collection,
            DecisionCommand(kind=EventKind.UNDO, undoes=undone.id),
            by=caller_name(request),
        )
    except NotUndoable as conflict:
        return _conflict(request, name, conflict)
    messages.info(request, f"Undone: {decision_text(undone)}")
    return see_other(_back(request, name))


@require_POST
@role_required(Role.REVIEWER)
def cluster_enrol(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Enrol a person from a cluster's best faces, and assign the cluster to them."""
    name, by = CollectionName.parse(f"{bucket}/{sub}"), caller_name(request)
    label, person = request.POST.get("cluster", "")[:40], request.POST.get("person", "").strip()
    run, shown = current_run(name.path), request.POST.get("run", "")
    if not person or len(person) > LONGEST_NAME:
        raise NotValid({"person": [f"Type a name of 1 to {LONGEST_NAME} characters."]})
    if shown and shown != run.clusters_run:
        return _conflict(request, name, RegroupedSince(REGROUPED, changed=[]))
    try:
        user_id = enrol_cluster_person(
            run,
            label,
            name=person,
            force=bool(request.POST.get("force")),
            engine=get_engine(settings.VISION),
            thresholds=settings.VISION.thresholds,
            crops=face_crop_store(),
            stores=profile_stores(),
            by=by,
        )
    except (LooksLikeAnother, NoFace) as refused:
        return _unknown(request, name, refused)
    asked = DecisionCommand(
        kind=EventKind.CHOOSE_PROFILE,
        cluster=label,
        user_id=user_id,
        run=run.clusters_run,
        seen={"cluster": label},
    )
    record_decision(name.path, asked, by=by)
    messages.success(request, f"{person} enrolled (id {user_id}).")
    return see_other(_back(request, name))


def _answer(request: HttpRequest, name: CollectionName, *, gone: list[str]) -> HttpResponse:
    """Answer with the undo line, and with the next card or the faces to remove from the page."""
    if not request.htmx:
        return see_other(_back(request, name))
    if request.POST.get("queue"):
        return queue_answered(request, name, Queue(request.POST["queue"]))
    if not gone:
        return see_other(_back(request, name))
    context = {
        "name": name,
        "decided": last_undoable(caller_name(request), name.path),
        "back": _back(request, name),
        "gone": gone,
    }
    return render(request, "review/_decided.html", context)


def _conflict(request: HttpRequest, name: CollectionName, conflict: Conflict) -> HttpResponse:
    """Answer 409 with the conflicting decisions, their authors and an undo for each."""
    extra = getattr(conflict, "extra", {})
    ids = [one["id"] for one in extra.get("changed", [])]
    ids += [*extra.get("chain", []), *extra.get("later", [])]
    context: dict[str, object] = {
        "name": name,
        "refusal": refusal_from(conflict),
        "earlier": [get_decision(one) for one in ids[-CHAIN_SHOWN:]],
        "back": _back(request, name),
    }
    if request.POST.get("queue") and not isinstance(conflict, RegroupedSince):
        context |= queue_context(request, name, Queue(request.POST["queue"]))
    if not request.htmx:
        return render(request, "review/conflict.html", context, status=409)
    response = render(request, "review/_conflict.html", context, status=409)
    return reswap(retarget(response, "#undo-line"), "outerHTML")


def _unknown(request: HttpRequest, name: CollectionName, unknown: Exception) -> HttpResponse:
    """Offer to enrol a person under an unknown name, and list the similar enrolled people."""
    refusal, person = refusal_from(unknown), request.POST["person"].strip()
    looks_like = find_profile(getattr(unknown, "extra", {}).get("user_id", ""))
    context = {
        "name": name,
        "refusal": refusal,
        "looks_like": looks_like,
        "alike": [looks_like] if looks_like else search_profiles(person, limit=ALIKE).profiles,
        "person": person,
        "is_forced": looks_like or isinstance(unknown, NoFace),
        "cluster": request.POST.get("cluster", "") if _may_enrol(request, unknown) else "",
        "run": request.POST.get("run", "")[:40],
        "back": _back(request, name),
    }
    status = refusal.status if refusal else 422
    if not request.htmx:
        return render(request, "review/unknown.html", context, status=status)
    response = render(request, "review/_unknown.html", context, status=status)
    return reswap(retarget(response, "#undo-line"), "outerHTML")


def _may_enrol(request: HttpRequest, refused: Exception) -> bool:
    """Say whether the typed name can be enrolled from the faces of a cluster."""
    is_naming = request.POST.get("kind", EventKind.CHOOSE_PROFILE) == EventKind.CHOOSE_PROFILE
    is_name = is_naming and len(request.POST["person"].strip()) <= LONGEST_NAME
    return is_name and not (isinstance(refused, NoFace) and request.POST.get("force"))


def _back(request: HttpRequest, name: CollectionName) -> str:
    """Return the page that a form names as the next one, the collection's otherwise."""
    otherwise = reverse("collection", kwargs={"bucket": name.bucket, "sub": name.sub})
    return came_from(request, otherwise=otherwise)

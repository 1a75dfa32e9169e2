"""A decision from a page, and taking it back: the answer is the line that says what happened."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from assignments.deciding import request_decided
from assignments.decision_form import DecisionForm
from assignments.enrolling import cluster_person_enrol
from assignments.errors import NobodyCalled
from assignments.queues import Queue
from assignments.undoing import DECIDED_IN, decided_last, decided_text
from assignments.views.queue import card_check, queue_answered, queue_context
from clustering.decisions.deciding import REGROUPED, Asked
from clustering.decisions.documents import Decision
from clustering.decisions.errors import Contradicts, NotUndoable, Regrouped, Stale
from clustering.decisions.kinds import Kind
from clustering.decisions.log import decision_get
from clustering.selectors import run_current
from profiles.errors import LooksLikeAnother, NoFace
from profiles.opening import profile_stores
from profiles.selectors import profile_find, profiles_search
from storage.crops import face_crops
from storage.errors import Conflict
from storage.names import CollectionName
from vision import get_engine
from web.auth import caller_name, role_required
from web.errors import NotValid, refusal_from
from web.htmx import came_from, go_to
from web.roles import Role

GONE = (Kind.REJECT, Kind.MOVE, Kind.SPLIT, Kind.NOT_A_FACE, Kind.IGNORE)
CHAIN_SHOWN = 20
ALIKE = 5  # people whose name begins as what was typed
LONGEST_NAME = 200  # characters


@require_POST
@role_required(Role.REVIEWER)
def decide(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Make the decision of a form; what was decided meanwhile is shown where the reviewer is."""
    name, form = CollectionName.parse(f"{bucket}/{sub}"), DecisionForm(request.POST)
    if not form.is_valid():
        raise NotValid(form.errors)
    try:
        card_check(request, name)
        asked = form.asked(request.POST.getlist("faces"), run=run_current(name.path))
        decision = request_decided(name.path, asked, by=caller_name(request))
    except (Stale, Contradicts) as conflict:
        return _conflict(request, name, conflict)
    except NobodyCalled as unknown:
        return _unknown(request, name, unknown)
    request.session[DECIDED_IN] = name.path
    return _answer(request, name, decision, gone=decision.faces if asked.kind in GONE else [])


@require_POST
@role_required(Role.REVIEWER)
def decision_take_back(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Undo what somebody decided last, or the decision that is named."""
    name = CollectionName.parse(f"{bucket}/{sub}")
    last = decided_last(caller_name(request), name.path)
    decision_id = request.POST.get("decision", "") or (last.id if last else "")
    undone = decision_get(decision_id)
    try:
        request_decided(
            undone.collection,
            Asked(kind=Kind.UNDO, undoes=undone.id),
            by=caller_name(request),
        )
    except NotUndoable as conflict:
        return _conflict(request, name, conflict)
    messages.info(request, f"Undone: {decided_text(undone)}")
    return go_to(request, _back(request, name))


@require_POST
@role_required(Role.REVIEWER)
def cluster_enrol(request: HttpRequest, bucket: str, sub: str) -> HttpResponse:
    """Make somebody known by a cluster's best faces, and name the cluster so."""
    name, by = CollectionName.parse(f"{bucket}/{sub}"), caller_name(request)
    label, person = request.POST.get("cluster", "")[:40], request.POST.get("person", "").strip()
    run, shown = run_current(name.path), request.POST.get("run", "")
    if not person or len(person) > LONGEST_NAME:
        raise NotValid({"person": [f"Type a name of 1 to {LONGEST_NAME} characters."]})
    if shown and shown != run.clusters_run:
        return _conflict(request, name, Regrouped(REGROUPED, changed=[]))
    try:
        user_id = cluster_person_enrol(
            run,
            label,
            name=person,
            force=bool(request.POST.get("force")),
            engine=get_engine(settings.VISION),
            thresholds=settings.VISION.thresholds,
            crops=face_crops(),
            stores=profile_stores(),
            by=by,
        )
    except (LooksLikeAnother, NoFace) as refused:
        return _unknown(request, name, refused)
    asked = Asked(
        kind=Kind.CHOOSE_PROFILE,
        cluster=label,
        user_id=user_id,
        run=run.clusters_run,
        seen={"cluster": label},
    )
    request_decided(name.path, asked, by=by)
    messages.success(request, f"{person} is known now, as {user_id}.")
    return go_to(request, _back(request, name))


def _answer(
    request: HttpRequest, name: CollectionName, decision: Decision, *, gone: list[str]
) -> HttpResponse:
    """Answer with the undo line; beside it with the next card, or the faces that are gone."""
    if not request.headers.get("HX-Request"):
        return go_to(request, _back(request, name))
    if request.POST.get("queue"):
        return queue_answered(request, name, Queue(request.POST["queue"]))
    if not gone:
        return go_to(request, _back(request, name))
    context = {
        "name": name,
        "decided": decided_last(caller_name(request), name.path),
        "back": _back(request, name),
        "gone": gone,
        "version": decision.seq,
    }
    return render(request, "assignments/_decided.html", context)


def _conflict(request: HttpRequest, name: CollectionName, conflict: Conflict) -> HttpResponse:
    """Say who decided what meanwhile, with the decisions to look at and to undo."""
    extra = getattr(conflict, "extra", {})
    ids = [one["id"] for one in extra.get("changed", [])]
    ids += [*extra.get("chain", []), *extra.get("later", [])]
    context: dict[str, object] = {
        "name": name,
        "refusal": refusal_from(conflict),
        "earlier": [decision_get(one) for one in ids[-CHAIN_SHOWN:]],
        "back": _back(request, name),
    }
    if request.POST.get("queue") and not isinstance(conflict, Regrouped):
        context |= queue_context(request, name, Queue(request.POST["queue"]))
    if not request.headers.get("HX-Request"):
        return render(request, "assignments/conflict.html", context, status=409)
    response = render(request, "assignments/_conflict.html", context, status=409)
    response["HX-Retarget"], response["HX-Reswap"] = "#undo-line", "outerHTML"
    return response


def _unknown(request: HttpRequest, name: CollectionName, unknown: Exception) -> HttpResponse:
    """Offer to enrol whoever nobody is called yet, and those it may be who are known."""
    refusal, person = refusal_from(unknown), request.POST["person"].strip()
    looks_like = profile_find(getattr(unknown, "extra", {}).get("user_id", ""))
    context = {
        "name": name,
        "refusal": refusal,
        "looks_like": looks_like,
        "alike": [looks_like] if looks_like else profiles_search(person, limit=ALIKE).profiles,
        "person": person,
        "is_forced": looks_like or isinstance(unknown, NoFace),
        "cluster": request.POST.get("cluster", "") if _may_enrol(request, unknown) else "",
        "run": request.POST.get("run", "")[:40],
        "back": _back(request, name),
    }
    status = refusal.status if refusal else 422
    if not request.headers.get("HX-Request"):
        return render(request, "assignments/unknown.html", context, status=status)
    response = render(request, "assignments/_unknown.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#undo-line", "outerHTML"
    return response


def _may_enrol(request: HttpRequest, refused: Exception) -> bool:
    """Say whether there is a way to enrol whoever was typed from the faces of a cluster."""
    is_naming = request.POST.get("kind", Kind.CHOOSE_PROFILE) == Kind.CHOOSE_PROFILE
    is_name = is_naming and len(request.POST["person"].strip()) <= LONGEST_NAME
    return is_name and not (isinstance(refused, NoFace) and request.POST.get("force"))


def _back(request: HttpRequest, name: CollectionName) -> str:
    """Return the page that a form names to go on to, the collection's otherwise."""
    otherwise = reverse("collection", kwargs={"bucket": name.bucket, "sub": name.sub})
    return came_from(request, otherwise=otherwise)

"""Activity page: the event log of a collection, newest first, with undo."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.views.decorators.http import require_GET

from clustering.decisions.documents import Decision
from clustering.decisions.event_log import decision_state, list_deciders, list_newest_decisions
from clustering.decisions.events import NO_PERSON, EventKind
from clustering.decisions.state import DecisionState
from clustering.selectors import (
    find_current_run,
    get_collection,
    labels_by_person,
    list_collections,
)
from profiles.selectors import get_profile_names
from review.undo import decision_sentence
from storage.names import CollectionName
from web.auth import role_required
from web.htmx import render_page
from web.pagination import decode_cursor, encode_cursor
from web.roles import Role

PER_PAGE = 50
LOOKED_AT = 2000  # decisions to read at most for a page of those that pass the filters
GONE = "a person that no longer exists"


@dataclass(frozen=True)
class Undo:
    """The undo of a decision: its number and its author."""

    number: int
    by: str


@dataclass(frozen=True)
class Line:
    """A decision as a sentence, the current labels of its clusters, and its undo, if any."""

    decision: Decision
    text: str
    clusters: list[str]
    undo: Undo | None


@require_GET
@role_required(Role.VIEWER)
def activity(request: HttpRequest) -> HttpResponse:
    """Show a page of the decisions about a collection, filtered by author and kind."""
    known = list_collections()
    path = request.GET.get("collection") or (known[0].path if known else "")
    by, kind = request.GET.get("by", "").strip(), request.GET.get("kind", "")
    context: dict[str, object] = {
        "collections": known,
        "path": path,
        "by": by,
        "kind": kind,
        "looked_at": LOOKED_AT,
        "kinds": [(one.value, one.value.replace("_", " ")) for one in EventKind],
    }
    if path:
        name = CollectionName.parse(path)
        get_collection(name.path)
        before = decode_cursor(request.GET.get("cursor"), within=f"{name.path}\t")
        found, more = _found(name.path, before, by=by, kind=kind)
        context |= {"name": name, "lines": _lines(name.path, found), "next": more}
    return render_page(request, "review/activity.html", context)


def _found(path: str, before: str, *, by: str, kind: str) -> tuple[list[Decision], str | None]:
    """Return a page of decisions that pass the filters, and the cursor of the next page."""
    found: list[Decision] = []
    for _ in range(max(LOOKED_AT // PER_PAGE, 1)):
        some = list_newest_decisions(path, before=before, limit=PER_PAGE + 1)
        for one in some[:PER_PAGE]:
            if len(found) == PER_PAGE:
                return found, encode_cursor(before)
            if (by in ("", one.by)) and (kind in ("", one.kind.value)):
                found.append(one)
            before = one.sort_key
        if len(some) <= PER_PAGE:
            return found, None
    return found, encode_cursor(before)


def _lines(path: str, found: list[Decision]) -> list[Line]:
    """Return decisions as sentences, with current cluster labels."""
    with decision_state(path) as state:
        undone_by, names = state.undone_by(), _names(path, found, state)
        undos = {one.id: undone_by[one.id] for one in found if one.id in undone_by}
        people = get_profile_names({one.user for one in found if one.user})
        texts = {one.id: _text(one, names, people, state) for one in found}
    makers = list_deciders(undo.id for undo in undos.values())
    return [
        Line(
            decision=one,
            text=texts[one.id],
            clusters=sorted({names[who] for who in (one.person, one.other) if who in names}),
            undo=Undo(undos[one.id].seq, makers[undos[one.id].id]) if one.id in undos else None,
        )
        for one in found
    ]


def _names(path: str, found: list[Decision], state: DecisionState) -> dict[str, str]:
    """Return the current labels of the persons of decisions, or of the persons they merged into."""
    run = find_current_run(path)
    persons = {who for one in found for who in (one.person, one.other) if who} - {*NO_PERSON}
    if run is None or not persons:
        return {}
    labels = labels_by_person(run, persons | {state.root(who) for who in persons})
    # A person created by a decision that is not yet projected has the label from the decision.
    new = {one.person: one.label for one in found if one.label and one.run == run.clusters_run}
    called = {
        who: labels.get(who) or new.get(who) or labels.get(state.root(who)) for who in persons
    }
    return {who: label for who, label in called.items() if label}


def _text(
    decision: Decision, names: dict[str, str], people: dict[str, str], state: DecisionState
) -> str:
    """Return a decision as a sentence."""
    if decision.kind == EventKind.UNDO:
        undone = state.events[decision.undoes]
        return f"#{undone.seq} undone ({undone.kind.value.replace('_', ' ')})."
    person, other = names.get(decision.person, GONE), names.get(decision.other, GONE)
    if other == person:  # merged
        other = GONE
    if decision.kind == EventKind.SPLIT:
        return decision_sentence(decision, cluster=other, to=person)
    user = people.get(decision.user, "")
    text = decision_sentence(decision, cluster=person, other=other, to=person, user=user)
    return capfirst(text) if text.startswith(GONE) else text  # labels stay in lower case

"""Who decided what: the log of a collection, newest first, and undo from there."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.views.decorators.http import require_GET

from assignments.undoing import decided_sentence
from clustering.decisions.documents import Decision
from clustering.decisions.kinds import Kind
from clustering.decisions.law import Law
from clustering.decisions.log import decisions_newest, law_of
from clustering.selectors import collection_get, collection_list
from storage.names import CollectionName
from web.auth import role_required
from web.htmx import render_page
from web.paging import cursor_decode, cursor_encode
from web.roles import Role

PER_PAGE = 50
LOOKED_AT = 2000  # decisions, for a page of those that fit
KINDS = {kind: kind.value.replace("_", " ") for kind in Kind}


@dataclass(frozen=True)
class Line:
    """A decision in words, and whether it still counts."""

    decision: Decision
    text: str
    is_undone: bool


@require_GET
@role_required(Role.VIEWER)
def activity(request: HttpRequest) -> HttpResponse:
    """Show a page of the decisions about a collection, all or those of a person or a kind."""
    known = collection_list()
    path = request.GET.get("collection") or (known[0].path if known else "")
    by, kind = request.GET.get("by", "").strip(), request.GET.get("kind", "")
    context: dict[str, object] = {
        "collections": known,
        "path": path,
        "by": by,
        "kind": kind,
        "kinds": KINDS.items(),
        "looked_at": LOOKED_AT,
    }
    if path:
        name = CollectionName.parse(path)
        collection_get(name.path)
        before = cursor_decode(request.GET.get("cursor"), within=f"{name.path}\t")
        found, more = _found(name.path, before, by=by, kind=kind)
        context |= {"name": name, "lines": _lines(name.path, found), "next": more}
    return render_page(request, "assignments/activity.html", context)


def _found(path: str, before: str, *, by: str, kind: str) -> tuple[list[Decision], str | None]:
    """Return a page of the decisions that fit, and the cursor to go on from if there are more."""
    found: list[Decision] = []
    for _ in range(max(LOOKED_AT // PER_PAGE, 1)):
        some = decisions_newest(path, before=before, limit=PER_PAGE + 1)
        for one in some[:PER_PAGE]:
            if len(found) == PER_PAGE:
                return found, cursor_encode(before)
            if (by in ("", one.by)) and (kind in ("", one.kind.value)):
                found.append(one)
            before = one.place
        if len(some) <= PER_PAGE:
            return found, None
    return found, cursor_encode(before)


def _lines(path: str, found: list[Decision]) -> list[Line]:
    """Return decisions in words, and whether each still counts."""
    with law_of(path) as law:
        return [Line(one, _words(one, law), not law.is_active(one.id)) for one in found]


def _words(decision: Decision, law: Law) -> str:
    """Return a decision in words; clusters have other labels in every run, so none is named."""
    undone = law.rulings.get(decision.undoes)
    if undone is not None:
        return f"Undone: number {undone.seq}, {KINDS[undone.kind]}."
    return capfirst(decided_sentence(decision, cluster="a cluster", other="another cluster"))

"""The page that erases a person: what will go, and afterwards the receipt of what went."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from assignments.erasure import person_erase, person_named
from profiles.errors import NoSuchProfile
from profiles.opening import profile_stores
from profiles.selectors import profile_find, references_stored
from profiles.serializers import user_id_check
from profiles.tombstones import find_unfinished
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def profile_erase(request: HttpRequest, user_id: str) -> HttpResponse:
    """Ask before a person is erased, also where an erasure broke off; then show the receipt.

    The receipt is the answer itself: kept anywhere, it would name whoever was erased.
    """
    user_id_check(user_id)
    context: dict[str, object] = {"user_id": user_id}
    if request.method == "POST":
        context["receipt"] = person_erase(user_id, stores=profile_stores())
    else:
        context |= _what_will_go(user_id)
    return render_page(request, "assignments/profile_erase.html", context)


def _what_will_go(user_id: str) -> dict[str, object]:
    """Return what is stored of a person, or what an erasure left of them."""
    known, photos = profile_find(user_id), references_stored(user_id)
    if known is None and not photos and find_unfinished(user_id) is None:
        raise NoSuchProfile(f"Nobody is known as {user_id}.")
    return {"profile": known, "photos": len(photos), "named": person_named(user_id)}

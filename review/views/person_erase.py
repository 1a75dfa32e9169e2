"""Page to erase a person: what will be removed, and afterwards the receipt."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from profiles.context import profile_stores
from profiles.errors import NoSuchProfile
from profiles.selectors import find_profile, stored_references
from profiles.serializers import check_user_id
from profiles.tombstones import find_unfinished
from review.people.erase import count_person_references, erase_person
from web.auth import role_required
from web.htmx import render_page
from web.roles import Role


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def profile_erase(request: HttpRequest, user_id: str) -> HttpResponse:
    """Ask for confirmation, also after an interrupted erasure; then erase and show the receipt.

    The receipt is not stored, because it names the erased person.
    """
    check_user_id(user_id)
    context: dict[str, object] = {"user_id": user_id}
    if request.method == "POST":
        context["receipt"] = erase_person(user_id, stores=profile_stores())
    else:
        context |= _what_will_go(user_id)
    return render_page(request, "review/profile_erase.html", context)


def _what_will_go(user_id: str) -> dict[str, object]:
    """Return counts of the stored data of a person, including the rest of a partial erasure."""
    known, photos = find_profile(user_id), stored_references(user_id)
    if known is None and not photos and find_unfinished(user_id) is None:
        raise NoSuchProfile(f"There is no profile with the id {user_id}.")
    return {"profile": known, "photos": len(photos), "named": count_person_references(user_id)}

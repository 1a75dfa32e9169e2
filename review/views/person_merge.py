"""Page to merge two profiles: confirmation, then the receipt of the erased profile."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from profiles.context import profile_stores
from profiles.selectors import get_profile
from review.decision_form import find_person_by_name
from review.people.merge import merge_profiles
from vision import get_engine
from web.auth import caller_name, role_required
from web.errors import NotValid
from web.htmx import render_page
from web.roles import Role


@require_POST
@role_required(Role.ADMIN)
def profile_merge(request: HttpRequest, user_id: str) -> HttpResponse:
    """Merge a profile into the named one; without ``sure`` only ask for confirmation."""
    person = request.POST.get("person", "").strip()
    if not person:
        raise NotValid({"person": ["Type the person to merge it into."]})
    gone, kept = get_profile(user_id), get_profile(find_person_by_name(person))
    context: dict[str, object] = {"gone": gone, "kept": kept}
    if request.POST.get("sure") == "on":
        context["receipt"] = merge_profiles(
            kept.user_id,
            gone.user_id,
            engine=get_engine(settings.VISION),
            thresholds=settings.VISION.thresholds,
            stores=profile_stores(),
            by=caller_name(request),
        )
        context["kept"] = get_profile(kept.user_id)
    return render_page(request, "review/profile_merge.html", context)

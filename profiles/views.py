"""Pages of profiles: the list of known people, and enrolment."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from profiles.documents import MAX_NAME
from profiles.enrolment import SeenPhoto, check_photos, detect_in_photos, enrol_photos, find_people
from profiles.errors import LooksLikeAnother, PersonErased, ProfileErasing, ProfileExists
from profiles.forms import EnrolmentForm
from profiles.selectors import find_profile, list_erasing_profiles, search_profiles
from profiles.tombstones import current_fence, list_people_being_erased
from web.auth import caller_name, role_required
from web.htmx import render_page, see_other
from web.pagination import encode_cursor
from web.roles import Role

PEOPLE_PER_PAGE = 60
PEOPLE_OFFERED = 12  # as completions of a name


@require_GET
@role_required(Role.VIEWER)
def profiles(request: HttpRequest) -> HttpResponse:
    """List the known people, or those whose name or id begins with the search text."""
    text = request.GET.get("q", "").strip()[:MAX_NAME]
    found = find_people(text, cursor=request.GET.get("cursor"), limit=PEOPLE_PER_PAGE)
    context = {
        "people": found.profiles,
        "q": text,
        "next": None if found.next_sort_key is None else encode_cursor(found.next_sort_key),
        "erasing": sorted({*list_erasing_profiles(), *list_people_being_erased()}),
    }
    return render_page(request, "profiles/profiles.html", context, fragment="profiles/_people.html")


@require_GET
@role_required(Role.VIEWER)
def people_options(request: HttpRequest) -> HttpResponse:
    """Complete a person's name or id."""
    typed = request.GET.get("person", "") or request.GET.get("user", "")
    text = typed.strip()[:MAX_NAME]
    people = search_profiles(text, limit=PEOPLE_OFFERED).profiles if text else []
    return render(request, "profiles/_people_options.html", {"people": people})


@require_http_methods(["GET", "POST"])
@role_required(Role.REVIEWER)
def profile_enrol(request: HttpRequest) -> HttpResponse:
    """Show the enrolment form; enrol the person, or show the form with its errors."""
    if request.method != "POST":
        return render_page(request, "profiles/profile_enrol.html", {"form": EnrolmentForm()})
    form, fence = EnrolmentForm(request.POST, request.FILES), current_fence()
    seen: list[SeenPhoto] = []
    if form.is_valid():
        seen = detect_in_photos(form.cleaned_data["photos"], user_id=form.cleaned_data["user_id"])
        if _is_enrolled(request, form, seen, fence=fence):
            user_id = form.cleaned_data["user_id"]
            return see_other(reverse("profile", kwargs={"user_id": user_id}))
    return render_page(
        request,
        "profiles/profile_enrol.html",
        {"form": form, "seen": seen, "alike": find_profile(form.alike)},
        fragment="profiles/_enrol_form.html",
        status=422,
    )


def _is_enrolled(
    request: HttpRequest, form: EnrolmentForm, seen: list[SeenPhoto], *, fence: int
) -> bool:
    """Enrol the person of a valid form; a refusal becomes an error of the form."""
    photos = check_photos(seen)
    if photos is None:
        return False
    asked = form.cleaned_data
    user_id, name, force = asked["user_id"], asked["name"], asked["force"]
    try:
        left_out = enrol_photos(
            user_id, photos, name=name, force=force, by=caller_name(request), fence=fence
        )
    except ProfileExists:
        form.add_error("user_id", f"{user_id} is taken.")
        form.taken = user_id
    except (ProfileErasing, PersonErased) as refusal:
        form.add_error("user_id", str(refusal))
    except LooksLikeAnother as refusal:
        form.doubt(str(refusal), alike=refusal.extra["user_id"])
    else:
        messages.success(request, _known_sentence(user_id, name))
        for reason in left_out:
            messages.warning(request, f"A photo was left out. {reason}")
        return True
    return False


def _known_sentence(user_id: str, name: str) -> str:
    """Return the message about a new person; it holds the id, so that an erasure finds it."""
    return (
        f"{name} is known from now on, as {user_id}."
        if name
        else f"{user_id} is known from now on."
    )

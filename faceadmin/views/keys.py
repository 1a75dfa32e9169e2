"""API keys of REST clients: create, show once, revoke."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from faceadmin.api.keys import NoSuchKey
from web.auth import create_key, role_required
from web.htmx import render_page, see_other
from web.models import ApiKey
from web.roles import Role

SHOWN = 500


class KeyForm(forms.Form):
    """Purpose, role and lifetime of a key."""

    name = forms.CharField(max_length=50, label="For", help_text="the client that uses it")
    role = forms.ChoiceField(choices=[(role.value, role.value) for role in Role], label="Role")
    expires_in_days = forms.IntegerField(
        min_value=1, max_value=36500, required=False, label="Days", help_text="empty: never expires"
    )


@require_http_methods(["GET", "POST"])
@role_required(Role.ADMIN)
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys; create one and show its secret once: only the hash is stored."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        given = form.cleaned_data
        days = given["expires_in_days"]
        expires = None if days is None else timezone.now() + timedelta(days=days)
        _, secret = create_key(given["name"], Role(given["role"]), expires=expires)
        context = {"form": KeyForm(), "secret": secret, "made": given["name"]}
    context["keys"] = ApiKey.objects.order_by("revoked", "-created")[:SHOWN]
    response = render_page(
        request, "faceadmin/keys.html", context, status=422 if form.errors else 200
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@role_required(Role.ADMIN)
def key_revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Revoke a key; its row stays."""
    if not ApiKey.objects.filter(prefix=prefix).update(revoked=True):
        raise NoSuchKey("There is no key with this prefix.")
    messages.success(request, f"API key {prefix} revoked.")
    return see_other(reverse("keys"))

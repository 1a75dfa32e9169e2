"""Logging in: slow for whoever guesses passwords, by account and by address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse

from web.errors import Refusal
from web.middleware import refusal_answer
from web.throttles import stranger_check, stranger_count


class GuardedLogin(LoginView):
    """The login page; an address that fails too often waits for the next minute."""

    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse an address that failed too often."""
        if request.method == "POST":
            stranger_check(request)
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count a failure."""
        stranger_count(self.request)
        answer: HttpResponse = super().form_invalid(form)
        return answer


def locked_out(request: HttpRequest, *_details: Any) -> HttpResponse:
    """Answer whoever failed too often on one account (the hook of django-axes)."""
    wait = settings.AXES_COOLOFF_TIME
    return refusal_answer(
        request,
        Refusal(
            429,
            "locked_out",
            f"Too many wrong passwords; wait {int(wait.total_seconds() // 60)} minutes.",
            headers={"Retry-After": str(int(wait.total_seconds()))},
        ),
    )

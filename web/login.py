"""Logging in, with limits on wrong passwords: by account and address, and by address alone.

Eight wrong passwords for an account lock it for their address only, for 15 minutes (django-axes).
A browser in which the account has logged in before is counted by itself instead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from web.errors import Refusal
from web.known_browsers import count_browser_failure, is_known_browser, remember_browser
from web.middleware import refusal_answer
from web.throttling import FailureKind, count_failure, refuse_failures

CLOCKS_DIFFER = timedelta(minutes=1)  # of several hosts, at most


class LoginForm(AuthenticationForm):
    """A name and a password."""

    def clean(self) -> dict[str, Any]:
        """Refuse a name longer than the model's limit, which the table of failures cannot store."""
        name = str(self.cleaned_data.get("username", ""))
        if len(name) > (self.username_field.max_length or len(name)):
            raise self.get_invalid_login_error()
        return dict(super().clean())


class GuardedLogin(LoginView):
    """The login page; an address with too many wrong passwords is refused until the next minute.

    Wrong API keys and requests without credentials are not counted: they cause no lockout.
    """

    authentication_form = LoginForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse an address that failed too often, before its password is hashed."""
        if request.method == "POST" and not is_known_browser(request, request.POST):
            refuse_failures(request, FailureKind.PASSWORD)
        answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, and set the cookie of a known browser."""
        answer: HttpResponse = super().form_valid(form)
        remember_browser(answer, form.get_user().get_username())
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count a wrong password; an empty form is not counted."""
        if form.cleaned_data.get("password"):
            if is_known_browser(self.request, form.cleaned_data):
                count_browser_failure(self.request, form.cleaned_data["username"])
            else:
                count_failure(self.request, FailureKind.PASSWORD)
        answer: HttpResponse = super().form_invalid(form)
        return answer


class LoginAttempts(AxesDatabaseHandler):  # type: ignore[misc]  # django-axes has no types
    """Failed logins in the database, shared by all web processes."""

    def get_user_attempts(
        self, request: HttpRequest, credentials: dict[str, Any] | None = None
    ) -> list[QuerySet[AccessAttempt]]:
        """Exclude attempts in the future: they were written before the clock was set back."""
        latest = timezone.now() + CLOCKS_DIFFER
        found = super().get_user_attempts(request, credentials)
        return [attempts.filter(attempt_time__lte=latest) for attempts in found]


def lockout_response(
    request: HttpRequest, _response: Any, credentials: dict[str, str]
) -> HttpResponse:
    """Answer a login to an account that is locked for this address (the hook of django-axes)."""
    wait = _seconds_locked(request, credentials)
    return refusal_answer(
        request,
        Refusal(
            429,
            "locked_out",
            f"Too many wrong passwords for {credentials['username']} came from your address, so it "
            f"cannot log in from there for {-(-wait // 60)} minutes. An admin can unlock it on the "
            "page Accounts.",
            headers={"Retry-After": str(wait)},
        ),
    )


def locked_names() -> set[str]:
    """Return the names of accounts that are locked for some address."""
    now = timezone.now()
    recent = AccessAttempt.objects.filter(
        attempt_time__gte=now - settings.AXES_COOLOFF_TIME, attempt_time__lte=now + CLOCKS_DIFFER
    )
    failures = recent.values("username", "ip_address").annotate(n=Sum("failures_since_start"))
    locked = failures.filter(n__gte=settings.AXES_FAILURE_LIMIT).order_by()
    return {str(one["username"]) for one in locked}


def unlock_account(name: str) -> None:
    """Delete the recorded wrong passwords of an account, from every address."""
    reset(username=name)


def _seconds_locked(request: HttpRequest, credentials: dict[str, str]) -> int:
    """Return how long an account stays locked for the address of a request."""
    (attempts,) = LoginAttempts().get_user_attempts(request, credentials)
    now = timezone.now()
    last = max((one.attempt_time for one in attempts), default=now)
    return max(int((last + settings.AXES_COOLOFF_TIME - now).total_seconds()), 0) + 1

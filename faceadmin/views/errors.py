"""Error pages of Django's handlers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from web.errors import UNFORESEEN, Refusal
from web.middleware import refusal_answer


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that Django rejected (Django's hook)."""
    return refusal_answer(request, Refusal(400, "malformed", "This request is not valid."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request without permission (Django's hook)."""
    return refusal_answer(
        request, Refusal(403, "forbidden", str(exception or "") or "You may not do this.")
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token, or with one of before the last login (Django's hook).

    A form can also come from another address than the one that the server sees, behind a proxy.
    """
    detail = "This page is out of date; load it again and repeat what you did."
    if reason.startswith(("Origin checking failed", "Referer checking failed")):
        detail = (
            "This form comes from another address than the one that the server was asked by, "
            f"{request.scheme}://{request.get_host()}. If a proxy is in between, it has to pass "
            "Host and X-Forwarded-Proto, and TRUSTED_PROXIES has to name it."
        )
    return refusal_answer(request, Refusal(403, "csrf_failed", detail))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request for an unknown URL (Django's hook)."""
    return refusal_answer(request, Refusal(404, "not_found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a request that failed unexpectedly (Django's hook)."""
    return refusal_answer(request, Refusal(500, "internal_error", UNFORESEEN))

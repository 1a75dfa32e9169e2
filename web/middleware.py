"""Middleware of every response: messages become toasts, refusals become pages."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.contrib.messages import get_messages
from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django_htmx.http import HttpResponseLocation, reswap, trigger_client_event
from rest_framework.exceptions import APIException

from web.errors import UNFORESEEN, BodyTooLarge, Refusal, refusal_from, refusal_json, wants_json
from web.htmx import page_before
from web.rest import check_body_size

logger = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]
REDIRECTS = (301, 302, 303)
MOVES_ON = ("HX-Redirect", "HX-Location", "HX-Refresh")


class RedirectsMiddleware:
    """Turn a redirect into HX-Location for htmx, which would swap the target page into a part."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, with 204 and HX-Location instead of a redirect."""
        response = self._get_response(request)
        if not request.htmx or response.status_code not in REDIRECTS:
            return response
        location = HttpResponseLocation(response["Location"], target="body", status=204)
        location.cookies = response.cookies
        return location


class ToastsMiddleware:
    """Send messages as toasts to htmx; on a redirect or a refusal they stay queued."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add HX-Trigger if htmx swaps a part and messages are queued."""
        response = self._get_response(request)
        moves_on = 300 <= response.status_code < 400 or any(name in response for name in MOVES_ON)
        has_toast = "HX-Trigger" in response
        if request.htmx and not moves_on and not has_toast:
            toasts = [{"level": one.level_tag, "text": str(one)} for one in get_messages(request)]
            if toasts:
                trigger_client_event(response, "toasts", toasts)  # type: ignore[arg-type]  # any JSON value
        return response


class BodiesMiddleware:
    """Reject an oversized form of a page before it is read; REST views check their own.

    It precedes the CSRF middleware, which reads the whole form to find its token.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; ``process_view`` checks it once the view is known."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object
    ) -> HttpResponse | None:
        """Answer instead of the view if the body is too long (Django's hook)."""
        if getattr(view, "csrf_exempt", False):
            return None
        try:
            _form_check(request)
        except APIException as refused:
            refusal = refusal_from(refused)
            return None if refusal is None else refusal_answer(request, refusal)
        return None


def _form_check(request: HttpRequest) -> None:
    """Raise BodyTooLarge for an oversized form; only authenticated users can send photos."""
    words = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    try:
        check_body_size(request, limit=words)
    except BodyTooLarge:
        if not request.user.is_authenticated:
            raise
        check_body_size(request, limit=words + settings.PHOTOS_AT_ONCE * settings.UPLOAD_MAX_BYTES)


class RefusalsMiddleware:
    """Show a refusal as a page; to htmx as a toast, to an API client as JSON."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; give a 405 without a body a readable answer."""
        response = self._get_response(request)
        if response.status_code != 405 or response.content:
            return response
        allowed = response["Allow"]
        refusal = Refusal(
            405,
            "method_not_allowed",
            f"This address does not take {request.method}, only {allowed}.",
            headers={"Allow": allowed},
        )
        return refusal_answer(request, refusal)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """Answer an exception of a view (Django's hook)."""
        refusal = refusal_from(error)
        if refusal is None:
            logger.error("%s failed", request.path, exc_info=error)
            refusal = Refusal(500, "internal_error", UNFORESEEN)
        return refusal_answer(request, refusal)


def refusal_answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return a refusal as a toast, as JSON or as a page, depending on the request."""
    if request.htmx:
        response = HttpResponse(status=refusal.status, headers=refusal.headers)
        toasts = [{"level": "error", "text": refusal.detail}]
        response = reswap(response, "none")
        return trigger_client_event(response, "toasts", toasts)  # type: ignore[arg-type]  # any JSON value
    if wants_json(request):
        return refusal_json(refusal)
    response = _refusal_page(request, refusal)
    for name, value in refusal.headers.items():
        response[name] = value
    return response


def _refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the page of a refusal; without navigation if the accounts' database is unavailable."""
    context = {"refusal": refusal, "back": page_before(request)}
    try:
        return render(request, "refusal.html", context, status=refusal.status)
    except DatabaseAway:  # no session or account can be read
        return HttpResponse(render_to_string("refusal.html", context), status=refusal.status)

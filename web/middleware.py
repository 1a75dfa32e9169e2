"""What happens to every answer: messages become toasts, refusals become pages."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from web.errors import UNFORESEEN, Refusal, refusal_from, refusal_json, wants_json

logger = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]
MOVES_ON = ("HX-Redirect", "HX-Location", "HX-Refresh")


class ToastsMiddleware:
    """Move messages into the answer to htmx; on a redirect they wait for the next page."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add HX-Trigger where htmx swaps a part and messages wait."""
        response = self._get_response(request)
        moves_on = 300 <= response.status_code < 400 or any(name in response for name in MOVES_ON)
        if request.headers.get("HX-Request") and not moves_on:
            toasts = [{"level": one.level_tag, "text": str(one)} for one in get_messages(request)]
            if toasts:
                response["HX-Trigger"] = json.dumps({"toasts": toasts})
        return response


class RefusalsMiddleware:
    """Show a refusal as a page with its sentence; to htmx as a toast, to a client as JSON."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse:
        """Answer an exception of a view (Django's hook)."""
        refusal = refusal_from(error)
        if refusal is None:
            logger.error("%s failed", request.path, exc_info=error)
            refusal = Refusal(500, "internal_error", UNFORESEEN)
        return refusal_answer(request, refusal)


def refusal_answer(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return a refusal in the form that fits whoever asked."""
    if request.headers.get("HX-Request"):
        toast = {"toasts": [{"level": "error", "text": refusal.detail}]}
        headers = {"HX-Reswap": "none", "HX-Trigger": json.dumps(toast), **refusal.headers}
        return HttpResponse(status=refusal.status, headers=headers)
    if wants_json(request):
        return refusal_json(refusal)
    response = render(request, "refusal.html", {"refusal": refusal}, status=refusal.status)
    for name, value in refusal.headers.items():
        response[name] = value
    return response

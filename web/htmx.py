"""Decide whether a response is a page or a fragment."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object],
    *,
    fragment: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Answer with the fragment if htmx swaps a part, with the whole page otherwise.

    A request for a part names the id of its target; a request for the whole body names none.
    """
    htmx = request.htmx
    wants_part = htmx and htmx.target and not htmx.history_restore_request
    response = render(
        request, fragment if wants_part and fragment else template, dict(context), status=status
    )
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def see_other(url: str) -> HttpResponse:
    """Redirect with 303, so that the browser loads the page with GET."""
    return HttpResponseRedirect(url, status=303)


def page_before(request: HttpRequest) -> str:
    """Return the path of the referring page of this site, "" if there is none."""
    try:
        before = urlsplit(request.headers.get("Referer", ""))
        host = request.get_host()
    except (ValueError, DisallowedHost):
        return ""
    if before.netloc != host or before.path == request.path:
        return ""
    return before.path + (f"?{before.query}" if before.query else "")


def came_from(request: HttpRequest, *, otherwise: str) -> str:
    """Return the local URL in the form's field ``back``, or ``otherwise``."""
    asked = request.POST.get("back", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return otherwise

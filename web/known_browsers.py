"""Browsers in which an account has logged in before: others at their address do not lock them out.

A signed cookie names the account (OWASP's "device cookie"). It is no login; it only gives the
browser a count of wrong passwords of its own, instead of the one of its address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import get_random_string

COOKIE = "known_browser"
SALT = "web.known_browsers"
KEPT = timedelta(days=180)


def is_known_browser(request: HttpRequest, credentials: Mapping[str, Any] | None) -> bool:
    """Say whether an account's own browser asks (the hook of django-axes).

    After too many wrong passwords it counts as unknown for a while.
    """
    browser = _browser_id(request, (credentials or request.POST).get("username"))
    return browser is not None and _failures(browser) < settings.AXES_FAILURE_LIMIT


def count_browser_failure(request: HttpRequest, name: str) -> None:
    """Count a wrong password for an account from one of its own browsers."""
    browser = _browser_id(request, name)
    if browser is not None:
        wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
        caches["default"].set(_failures_key(browser), _failures(browser) + 1, timeout=wait)


def remember_browser(response: HttpResponse, name: str) -> None:
    """Give a browser the cookie of an account that has just logged in."""
    response.set_cookie(
        COOKIE,
        signing.dumps([name, get_random_string(16)], salt=SALT),
        max_age=KEPT,
        path=reverse(settings.LOGIN_URL),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def _browser_id(request: HttpRequest, name: str | None) -> str | None:
    """Return the id of a browser that an account has logged in with, None for all others."""
    try:
        known, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        return None
    return str(browser) if known == name else None


def _failures(browser: str) -> int:
    """Return the wrong passwords of a browser; all web processes share them."""
    return int(caches["default"].get(_failures_key(browser), 0))


def _failures_key(browser: str) -> str:
    return f"known_browser:{browser}"

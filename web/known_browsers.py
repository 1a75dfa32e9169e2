"""Known browsers: failures of other clients at an address do not lock out a known browser.

A signed cookie contains the account's name (OWASP "device cookies"). It does not authenticate; it
only gives the browser its own counter of wrong passwords instead of its address's.
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
MAX_AGE = timedelta(days=180)


def is_known_browser(request: HttpRequest, credentials: Mapping[str, Any] | None) -> bool:
    """Return whether the account has logged in with this browser (a hook of django-axes).

    After too many wrong passwords, the browser counts as unknown for AXES_COOLOFF_TIME.
    """
    browser = _browser_id(request, (credentials or request.POST).get("username"))
    return browser is not None and _failures(browser) < settings.AXES_FAILURE_LIMIT


def count_browser_failure(request: HttpRequest, name: str) -> None:
    """Count a wrong password for an account from one of its known browsers."""
    browser = _browser_id(request, name)
    if browser is not None:
        wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
        caches["default"].set(_failures_key(browser), _failures(browser) + 1, timeout=wait)


def remember_browser(response: HttpResponse, name: str) -> None:
    """Set the cookie of an account that has just logged in."""
    response.set_cookie(
        COOKIE,
        signing.dumps([name, get_random_string(16)], salt=SALT),
        max_age=MAX_AGE,
        path=reverse(settings.LOGIN_URL),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )


def _browser_id(request: HttpRequest, name: str | None) -> str | None:
    """Return the browser id of a valid cookie for this account, None otherwise."""
    try:
        known, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=MAX_AGE)
    except signing.BadSignature:
        return None
    return str(browser) if known == name else None


def _failures(browser: str) -> int:
    """Return a browser's number of wrong passwords, shared by all web processes."""
    return int(caches["default"].get(_failures_key(browser), 0))


def _failures_key(browser: str) -> str:
    return f"known_browser:{browser}"

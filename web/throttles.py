"""How often somebody may ask: counted per caller, and per address for those who fail to log in.

Each web process counts for itself, in memory: a request costs no write.
"""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW_S = 60


class CallerThrottle(BaseThrottle):
    """So many requests a minute for a key or a person."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request and say whether it is still one of the allowed."""
        return _count(f"caller:{request.user.pk}") <= settings.REQUESTS_PER_MINUTE

    def wait(self) -> float:
        """Return the seconds until the next minute begins."""
        return _rest_of_window()


def stranger_check(request: HttpRequest | Request) -> None:
    """Refuse an address that failed too often to say who it is."""
    seen = caches["memory"].get(_window_key(f"stranger:{_address(request)}"), 0)
    if seen >= settings.FAILED_LOGINS_PER_MINUTE:
        raise Throttled(_rest_of_window())


def stranger_count(request: HttpRequest | Request) -> None:
    """Remember that an address did not say who it is, or not truly."""
    _count(f"stranger:{_address(request)}")


def _address(request: HttpRequest | Request) -> str:
    """Return where a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))


def _count(name: str) -> int:
    """Count one more in this minute and return how many there are."""
    cache, key = caches["memory"], _window_key(name)
    if cache.add(key, 1, timeout=2 * WINDOW_S):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it expired between the two lines
        return 1


def _window_key(name: str) -> str:
    """Return the counter's name in this minute."""
    return f"{name}:{int(time.time()) // WINDOW_S}"


def _rest_of_window() -> float:
    """Return the seconds left of this minute."""
    return WINDOW_S - time.time() % WINDOW_S

"""Limits per minute: requests of one caller, and failed authentications of one address.

Each web process counts separately in memory, so a request costs no write. An authenticated
request is refused only by its caller's own limit; requests without credentials are not counted.
"""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from web.proxies import counted_address

logger = logging.getLogger(__name__)

WINDOW_S = 60


class FailureKind(StrEnum):
    """Kind of failed authentication; each has its own counter."""

    KEY = "wrong API keys"
    PASSWORD = "wrong passwords"


class TooManyFailures(APIException):
    """Too many wrong API keys or passwords came from one address in this minute."""

    status_code = 429
    default_code = "too_many_failures"

    def __init__(self, kind: FailureKind = FailureKind.KEY) -> None:
        self.wait = _rest_of_window()
        super().__init__(
            f"Too many {kind.value} came from your address; "
            f"wait {int(self.wait) + 1} seconds before you try again."
        )


class CallerThrottle(BaseThrottle):
    """Limits the requests per minute of a key or an account."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False if it exceeds the limit."""
        return _count(f"caller:{request.user.pk}") <= settings.REQUESTS_PER_MINUTE

    def wait(self) -> float:
        """Return the seconds until the next minute begins."""
        return _rest_of_window()


def refuse_failures(request: HttpRequest, kind: FailureKind) -> None:
    """Refuse an address with too many failures, before an expensive check is made."""
    failures = caches["counters"].get(_window_key(_failures_name(request, kind)), 0)
    if failures >= settings.FAILED_LOGINS_PER_MINUTE:
        raise TooManyFailures(kind)


def count_failure(request: HttpRequest, kind: FailureKind) -> None:
    """Count a failure; refuse the address if it has had too many before this one."""
    failures = _count(_failures_name(request, kind))
    if failures == settings.FAILED_LOGINS_PER_MINUTE:
        address = counted_address(request) or "a unix socket"
        logger.warning("%s %s came from %s this minute.", failures, kind, address)
    if failures > settings.FAILED_LOGINS_PER_MINUTE:
        raise TooManyFailures(kind)


def _failures_name(request: HttpRequest, kind: FailureKind) -> str:
    return f"{kind.name}:{counted_address(request)}"


def _count(name: str) -> int:
    """Increment a counter of the current minute and return it."""
    cache, key = caches["counters"], _window_key(name)
    if cache.add(key, 1, timeout=2 * WINDOW_S):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # the counter expired between the two calls
        return 1


def _window_key(name: str) -> str:
    """Return the counter's name in this minute."""
    return f"{name}:{int(time.time()) // WINDOW_S}"


def _rest_of_window() -> float:
    """Return the seconds left of this minute."""
    return WINDOW_S - time.time() % WINDOW_S

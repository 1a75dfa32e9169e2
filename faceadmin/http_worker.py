"""The web server's worker, which refuses what is no request in the one shape of all refusals."""

from __future__ import annotations

import json
from typing import Any

from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker

from web.errors import AddressTooLong, HeadersTooLong, Refusal


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads, as gunicorn's own."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what never reached the application."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        self.log.debug("Refused a request of %s: %s", addr, exc)
        util.write_nonblock(client, _answer(_refusal(exc)))


def _refusal(error: ParseException) -> Refusal:
    """Return what the server's parser found wrong."""
    if isinstance(error, LimitRequestLine):
        return Refusal(414, AddressTooLong.default_code, AddressTooLong.default_detail)
    if isinstance(error, LimitRequestHeaders):
        return Refusal(431, HeadersTooLong.default_code, HeadersTooLong.default_detail)
    return Refusal(400, "malformed", "This is no request that HTTP knows.")


def _answer(refusal: Refusal) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    body = json.dumps(refusal.body()).encode()
    head = (
        f"HTTP/1.1 {refusal.status} {refusal.code}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

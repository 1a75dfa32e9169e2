"""The web server's worker; rejects malformed requests in the common shape of errors."""

from __future__ import annotations

import json
from typing import Any

from gunicorn import util
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's threaded worker."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that never reached the application."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        self.log.debug("Refused a request of %s: %s", addr, exc)
        util.write_nonblock(client, _error_response(exc))


def _error_response(error: ParseException) -> bytes:
    """Return a complete HTTP response; the connection closes after it."""
    # Imported late: the server imports this module before the application is loaded.
    from web.errors import AddressTooLong, HeadersTooLong, Refusal

    refusal = Refusal(400, "malformed", "This is no request that HTTP knows.")
    for kind, known in ((LimitRequestLine, AddressTooLong), (LimitRequestHeaders, HeadersTooLong)):
        if isinstance(error, kind):
            refusal = Refusal(known.status_code, known.default_code, known.default_detail)
    body = json.dumps(refusal.body()).encode()
    head = (
        f"HTTP/1.1 {refusal.status} {refusal.code}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

"""How long a request's body may be, judged before a byte of it is read."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from web.errors import BodyTooLarge


def body_check(request: HttpRequest | Request, *, limit: int) -> None:
    """Refuse a body of more than ``limit`` bytes, or of a length that is not stated."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise ParseError("State the length of the body (Content-Length); it cannot be chunked.")
    stated = request.META.get("CONTENT_LENGTH") or "0"
    if not stated.isascii() or not stated.isdigit():
        raise ParseError("Content-Length is no number.")
    if int(stated) > limit:
        raise BodyTooLarge(f"The request has {stated} bytes; {limit} are allowed.")

"""Base of the REST resources: roles by method, unique parameters, bounded bodies.

A resource sets ``roles`` by method; by default, viewers may read and reviewers may write.
``parse_query``, ``parse_form`` and ``parse_json`` answer invalid input with 422.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, QueryDict
from django.utils.http import quote_etag
from rest_framework import serializers
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from vision import ImageTooLarge
from web import idempotency
from web.errors import BodyTooLarge
from web.roles import Role

S = TypeVar("S", bound=serializers.Serializer)

SAFE = ("GET", "HEAD", "OPTIONS")
BODY_LIMIT = 1_000_000  # bytes of a request without a file


class Api(APIView):
    """A REST resource."""

    roles: ClassVar[Mapping[str, Role]] = {}
    secret_fields: ClassVar[Sequence[str]] = ()  # of answers; shown once and never stored
    _claim: idempotency.Claim | None = None

    def body_limit(self) -> int:
        """Return the largest request in bytes."""
        return BODY_LIMIT

    def role_needed(self, method: str) -> Role:
        """Return the least role that may call a method."""
        default = Role.VIEWER if method in SAFE else Role.REVIEWER
        return self.roles.get("GET" if method == "HEAD" else method, default)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check body size, anonymous throttle, permissions and Idempotency-Key, in this order."""
        check_body_size(request, limit=self.body_limit())
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and "Idempotency-Key" in request.headers:
            self._claim = idempotency.claim_request(request)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer again what was answered before."""
        if isinstance(exc, idempotency.AnsweredBefore):
            return exc.response()
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """Store the answer under its Idempotency-Key."""
        if self._claim is not None:
            self._claim.keep(response, without=self.secret_fields)
        return super().finalize_response(request, response, *args, **kwargs)


def parse_query(request: Request, kind: type[S]) -> S:
    """Return the valid query of a request; a repeated parameter is an error."""
    return _validated(kind, request.query_params)


def parse_form(request: Request, kind: type[S]) -> S:
    """Return the valid form of a request, files included."""
    if not isinstance(request.data, QueryDict):
        raise ParseError("This address takes a form, not JSON.")
    return _validated(kind, request.data)


def parse_json(request: Request, kind: type[S]) -> S:
    """Return the valid JSON body of a request."""
    given = kind(data=request.data)
    given.is_valid(raise_exception=True)
    return given


def _validated(kind: type[S], given: QueryDict) -> S:
    """Return a valid serializer; repeated or empty parameters are errors."""
    serializer = kind(data=given)
    wrong = {name: ["This is given more than once."] for name, n in given.lists() if len(n) > 1}
    for name, field in serializer.fields.items():
        if given.get(name) == "" and not getattr(field, "allow_blank", False):
            wrong[name] = ["This has no value; leave it out instead."]
    if wrong:
        raise ValidationError(wrong)
    serializer.is_valid(raise_exception=True)
    return serializer


def check_body_size(request: HttpRequest | Request, *, limit: int) -> None:
    """Raise BodyTooLarge for more than ``limit`` bytes, ParseError without a stated length."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise ParseError("State the length of the body (Content-Length); it cannot be chunked.")
    stated = request.META.get("CONTENT_LENGTH") or "0"
    if not stated.isascii() or not stated.isdigit():
        raise ParseError("Content-Length is no number.")
    if int(stated) > limit:
        raise BodyTooLarge(f"The request has {stated} bytes; {limit} are allowed.")


class FiniteField(serializers.FloatField):
    """A number; NaN and infinities are invalid."""

    default_error_messages = {"not_finite": "A finite number is needed."}  # noqa: RUF012 - the framework's

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool):
            self.fail("invalid")
        number = float(super().to_internal_value(data))
        if not math.isfinite(number):
            self.fail("not_finite")
        return number


def format_time(moment: datetime) -> str:
    """Return a time as UTC ISO 8601 with milliseconds and Z."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_time_or_null(moment: datetime | None) -> str | None:
    """Return a time as UTC ISO 8601; None stays None."""
    return None if moment is None else format_time(moment)


def picture_response(
    request: HttpRequest, read: Callable[[], bytes], *, tag: str, content_type: str, cache: str
) -> HttpResponse:
    """Return a picture, or 304 without calling ``read`` if the browser has the version ``tag``.

    The headers prevent a browser from executing the bytes.
    """
    headers = {"ETag": quote_etag(tag), "Cache-Control": cache}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponseNotModified(headers=headers)
    headers |= {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return HttpResponse(read(), content_type=content_type, headers=headers)


def read_upload(file: UploadedFile) -> bytes:
    """Return the bytes of an uploaded photo; raise ImageTooLarge above UPLOAD_MAX_BYTES."""
    if (file.size or 0) > settings.UPLOAD_MAX_BYTES:
        raise ImageTooLarge(
            f"The file has {file.size:,} bytes; {settings.UPLOAD_MAX_BYTES:,} are allowed.",
            code="too_many_bytes",
        )
    return bytes(file.read())

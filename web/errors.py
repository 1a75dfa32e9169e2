"""The only place that maps an exception's class to an HTTP status, for clients and for pages.

The body of every error is ``{"detail", "code", "errors"?}`` plus the exception's ``extra``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from storage.errors import Conflict, Missing, Refused, StorageError, Unavailable, unavailable_from
from vision import ImageTooLarge, ModelMissing, NotAnImage, VisionError

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 10
UNFORESEEN = "An unexpected error occurred; the server's log has the details."

STATUS_BY_CLASS: tuple[tuple[type[Exception], int], ...] = (
    (Missing, 404),
    (Conflict, 409),
    (Refused, 422),
    (Unavailable, 503),
    (StorageError, 500),
    (ImageTooLarge, 413),
    (NotAnImage, 415),
    (ModelMissing, 503),
    (VisionError, 422),
)


# Our codes for errors of Django REST framework; other errors keep the framework's code.
CODES = {"permission_denied": "forbidden", "authentication_failed": "bad_key"}


class NotValid(exceptions.ValidationError):
    """A parameter is missing, of the wrong type or out of its range; `errors` says which."""

    status_code = 422
    default_code = "invalid"


class BodyTooLarge(exceptions.APIException):
    """The request has more bytes than are allowed; its body was not read."""

    status_code = 413
    default_code = "too_many_bytes"


class AddressTooLong(exceptions.APIException):
    """The URL, with its query, is longer than the server reads."""

    status_code = 414
    default_code = "address_too_long"
    default_detail = "The address is too long; 8190 bytes are read."


class HeadersTooLong(exceptions.APIException):
    """The headers are more or longer than the server reads."""

    status_code = 431
    default_code = "headers_too_long"
    default_detail = "The headers are too long or too many."


@dataclass(frozen=True)
class Refusal:
    """An error in the form in which pages and clients receive it."""

    status: int
    code: str
    detail: str
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the JSON of the error."""
        body: dict[str, Any] = {"detail": self.detail, "code": self.code, **self.extra}
        return {**body, "errors": self.errors} if self.errors else body


def refusal_from(error: BaseException) -> Refusal | None:
    """Translate an exception into a refusal; None for an unexpected exception."""
    if isinstance(error, exceptions.APIException):
        return _refusal_from_rest_framework(error)
    if isinstance(error, Http404):
        return Refusal(404, "not_found", "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return Refusal(403, "forbidden", str(error) or "You may not do this.")
    if isinstance(error, SuspiciousOperation):  # Django's: too many fields, or a field too long
        return Refusal(400, "malformed", "The form has more or longer fields than are read.")
    known = error if isinstance(error, StorageError | VisionError) else unavailable_from(error)
    return None if known is None else _refusal_from_product(known)


def api_exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """Answer every exception of an endpoint in the common shape (hook of Django REST framework)."""
    refusal = refusal_from(error)
    if refusal is None:
        logger.error("%s failed", context["request"].path, exc_info=error)
        refusal = Refusal(500, "internal_error", UNFORESEEN)
    set_rollback()
    return Response(refusal.body(), status=refusal.status, headers=dict(refusal.headers))


def refusal_json(refusal: Refusal) -> JsonResponse:
    """Return a refusal outside Django REST framework, as for an unknown URL."""
    return JsonResponse(refusal.body(), status=refusal.status, headers=dict(refusal.headers))


def status_of(kind: type[Exception]) -> int:
    """Return the HTTP status of an exception class."""
    stated: int | None = getattr(kind, "status_code", None)  # Django REST framework's classes
    if stated is not None:
        return stated
    return next(number for known, number in STATUS_BY_CLASS if issubclass(kind, known))


def code_of(kind: type[Exception]) -> str:
    """Return the code that an exception class has in an answer."""
    code = str(getattr(kind, "default_code", None) or getattr(kind, "code", ""))
    return CODES.get(code, code)


def wants_json(request: HttpRequest) -> bool:
    """Say whether the request comes from an API client, not a browser."""
    return not request.accepts("text/html") or "text/html" not in request.headers.get("Accept", "")


def _refusal_from_product(error: StorageError | VisionError) -> Refusal:
    status = status_of(type(error))
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else {}
    return Refusal(
        status, error.code, str(error), extra=getattr(error, "extra", {}), headers=headers
    )


def _refusal_from_rest_framework(error: exceptions.APIException) -> Refusal:
    """Translate exceptions of Django REST framework; validation errors become 422."""
    headers: dict[str, str] = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait) + 1)
    if isinstance(error, exceptions.ValidationError):
        errors = _field_errors(error.detail)
        return Refusal(
            NotValid.status_code, NotValid.default_code, _sentence(errors), errors=errors
        )
    code = CODES.get(str(error.get_codes()), str(error.get_codes()))
    return Refusal(error.status_code, code, str(error.detail), headers=headers)


def _field_errors(detail: Any) -> dict[str, list[str]]:
    """Return messages by field for all shapes of a serializer's detail."""
    if not isinstance(detail, Mapping):
        detail = {"request": detail}
    return {
        str(name): [str(one) for one in (messages if isinstance(messages, list) else [messages])]
        for name, messages in detail.items()
    }


def _sentence(errors: Mapping[str, list[str]]) -> str:
    return " ".join(f"{name}: {' '.join(messages)}" for name, messages in errors.items())

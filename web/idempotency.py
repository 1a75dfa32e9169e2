"""``Idempotency-Key``: a repeated POST gets the first answer again, for a day.

Stored in the accounts' database, so it works across web processes. A claim whose process died is
taken over after ``ABANDONED``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException, ParseError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from web.models import IdempotentRequest

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=15)
MAX_KEY = 200  # characters


class KeyReused(APIException):
    """The Idempotency-Key was used for another request."""

    status_code = 409
    default_code = "idempotency_key_reused"
    default_detail = "This Idempotency-Key was sent with another request; take a new one."


class StillWorking(APIException):
    """The first request with the Idempotency-Key has no answer yet."""

    status_code = 409
    default_code = "request_in_progress"
    default_detail = "The first request with this Idempotency-Key is still at work; ask again."


class AnsweredBefore(Exception):
    """The request was answered before; carries that answer."""

    def __init__(self, kept: IdempotentRequest) -> None:
        super().__init__()
        self._kept = kept

    def response(self) -> Response:
        """Return the stored answer, marked as replayed."""
        headers = {"Idempotent-Replayed": "true"}
        if self._kept.location:
            headers["Location"] = self._kept.location
        body = json.loads(self._kept.body) if self._kept.body else None
        return Response(body, status=self._kept.status, headers=headers)


class Claim:
    """The first request with its key, which has no answer yet."""

    def __init__(self, row: IdempotentRequest) -> None:
        self._row = row

    def keep(self, response: Response, *, without: Sequence[str] = ()) -> None:
        """Store the answer; after a server error, remove the claim so the request can be repeated.

        Fields named in ``without`` are stored as null.
        """
        if response.status_code >= 500:
            self._row.delete()
            return
        self._row.status = response.status_code
        body = response.data
        if without and isinstance(body, dict):
            body = {**body, **{name: None for name in without if name in body}}
        self._row.body = JSONRenderer().render(body).decode()
        self._row.location = response.headers.get("Location", "")
        self._row.save(update_fields=["status", "body", "location"])


def claim_request(request: Request) -> Claim:
    """Claim a request's key; raise if an earlier request has it.

    Raise ParseError, KeyReused, StillWorking or AnsweredBefore.
    """
    key = request.headers["Idempotency-Key"]
    if not (0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise ParseError(f"An Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.")
    now = timezone.now()
    IdempotentRequest.objects.filter(created_at__lt=now - KEPT).delete()
    caller, fingerprint, key = _caller(request), _fingerprint(request), key_hash(key)
    try:
        with transaction.atomic():
            row = IdempotentRequest.objects.create(
                caller=caller, key=key, fingerprint=fingerprint, path=request.path, created_at=now
            )
    except IntegrityError:
        return _after(IdempotentRequest.objects.get(caller=caller, key=key), fingerprint)
    return Claim(row)


def forget_answers(word: str) -> int:
    """Remove answers that contain ``word`` as a whole word, in body or path; return how many."""
    by_itself = re.compile(rf"(?<![\w.@-]){re.escape(word)}(?!\.?[\w@-])", re.ASCII)
    near = IdempotentRequest.objects.filter(Q(body__contains=word) | Q(path__contains=word))
    named = [
        row.pk
        for row in near.iterator()
        if by_itself.search(row.body) or by_itself.search(row.path)
    ]
    return IdempotentRequest.objects.filter(pk__in=named).delete()[0]


def _after(first: IdempotentRequest, fingerprint: str) -> Claim:
    """Take over the claim of an abandoned request; otherwise raise its outcome."""
    if first.fingerprint != fingerprint:
        raise KeyReused
    if first.status:
        raise AnsweredBefore(first)
    taken = IdempotentRequest.objects.filter(
        pk=first.pk, status=0, created_at__lt=timezone.now() - ABANDONED
    ).update(created_at=timezone.now())
    if not taken:
        raise StillWorking
    return Claim(first)


def key_hash(key: str) -> str:
    """Return a keyed hash of a key, which a client may have made of a person's name."""
    return str(salted_hmac("web.idempotency", key, algorithm="sha256").hexdigest())


def _caller(request: Request) -> str:
    """Return the owner of the keys: an API key or an account."""
    return str(request.user.pk)


def _fingerprint(request: Request) -> str:
    """Return the SHA-256 of the request's content; the boundary of a form is ignored."""
    digest = hashlib.sha256()
    for part in _parts(request):
        digest.update(str(len(part)).encode() + b":" + part)
    return digest.hexdigest()


def _parts(request: Request) -> Iterable[bytes]:
    """Yield path, sorted query and body of a request as bytes."""
    yield request.path.encode()
    yield from (text.encode() for text in sorted(request.META.get("QUERY_STRING", "").split("&")))
    if not isinstance(request.data, QueryDict):
        yield json.dumps(request.data, sort_keys=True).encode()
        return
    for name, values in sorted(request.data.lists()):
        yield name.encode()
        yield from (_content(value) for value in values)


def _content(value: Any) -> bytes:
    """Return a form's value, or the digest of its file."""
    if not isinstance(value, UploadedFile):
        return str(value).encode()
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.digest()

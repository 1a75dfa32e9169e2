"""``Idempotency-Key``: the same POST again gets its first answer again, for a day.

Kept in the login's database, so it works across web processes; a claim whose process died is taken
over after a while.
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
    """The request was answered already; carries that answer."""

    def __init__(self, kept: IdempotentRequest) -> None:
        super().__init__()
        self._kept = kept

    def response(self) -> Response:
        """Return the first answer again."""
        headers = {"Idempotent-Replayed": "true"}
        if self._kept.location:
            headers["Location"] = self._kept.location
        body = json.loads(self._kept.body) if self._kept.body else None
        return Response(body, status=self._kept.status, headers=headers)


class Claim:
    """A request that is the first with its key, and has to be answered."""

    def __init__(self, row: IdempotentRequest) -> None:
        self._row = row

    def keep(self, response: Response, *, without: Sequence[str] = ()) -> None:
        """Remember the answer; after a failure of ours the request may be tried again.

        Fields ``without`` which it is kept are null when it is given again.
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
    """Claim a request's key, or raise with what became of the first request that had it."""
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
    """Remove answers in which ``word`` stands by itself, or in their path; return how many."""
    by_itself = re.compile(rf"(?<![\w.@-]){re.escape(word)}(?!\.?[\w@-])", re.ASCII)
    near = IdempotentRequest.objects.filter(Q(body__contains=word) | Q(path__contains=word))
    named = [
        row.pk
        for row in near.iterator()
        if by_itself.search(row.body) or by_itself.search(row.path)
    ]
    return IdempotentRequest.objects.filter(pk__in=named).delete()[0]


def _after(first: IdempotentRequest, fingerprint: str) -> Claim:
    """Return the claim if the first request was abandoned; raise what else became of it."""
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
    """Name whose keys these are: an API key, or somebody with a session."""
    return str(request.user.pk)


def _fingerprint(request: Request) -> str:
    """Return the SHA-256 of what is asked for; a form's boundary does not count."""
    digest = hashlib.sha256()
    for part in _parts(request):
        digest.update(str(len(part)).encode() + b":" + part)
    return digest.hexdigest()


def _parts(request: Request) -> Iterable[bytes]:
    """Yield what makes a request this one."""
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

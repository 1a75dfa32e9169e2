"""Erase a person from the accounts' database and from log files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.contrib.messages.storage.session import SessionStorage
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone

from storage.mentions import masked, mentions_id, mentions_word
from web.idempotency import ABANDONED, KEPT
from web.models import IdempotentRequest

ERASED_ANSWER = {
    "detail": (
        "A person named in the answer to this request was erased, so the answer is not kept and "
        "the request is not carried out again. Use a new Idempotency-Key for a new request."
    ),
    "code": "person_erased",
}
# Request texts stored by django-axes; the address may contain the requested page.
LOGIN_TEXTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (AccessAttempt, ("path_info", "get_data", "post_data")),
    (AccessLog, ("path_info",)),
    (AccessFailureLog, ("path_info",)),
)


@dataclass(frozen=True)
class LoginTraces:
    """Number of rows of the accounts' database that name a person."""

    answers: int = 0
    messages: int = 0
    login_attempts: int = 0


def forget_login_traces(user_id: str, names: Sequence[str]) -> LoginTraces:
    """Remove a person, by id and names; return the number of changed rows.

    Expired sessions and stored answers are deleted.
    """
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return LoginTraces(
        answers=sum(1 for row in list(_answers_naming(user_id)) if _replace_answer(row, user_id)),
        messages=sum(1 for row in list(_sessions_naming([user_id, *names])) if row.forget()),
        login_attempts=sum(1 for row in list(_attempts_naming([user_id, *names])) if row.forget()),
    )


def count_login_traces(user_id: str, names: Sequence[str]) -> LoginTraces:
    """Count the rows that name a person."""
    return LoginTraces(
        answers=sum(1 for _ in _answers_naming(user_id)),
        messages=sum(1 for _ in _sessions_naming([user_id, *names])),
        login_attempts=sum(1 for _ in _attempts_naming([user_id, *names])),
    )


def count_open_keyed_requests(before: Any) -> int:
    """Count requests with an Idempotency-Key that began before a time and have no answer yet.

    Their stored answer may name a person who is erased meanwhile.
    """
    abandoned = timezone.now() - ABANDONED
    return IdempotentRequest.objects.filter(
        status=0, created_at__lt=before, created_at__gt=abandoned
    ).count()


def mask_logs(files: Iterable[Path], words: Sequence[str]) -> int:
    """Overwrite a person's id and names in log files, in place; return the number of files.

    A file keeps its length, so processes that append to it are not disturbed.
    """
    return sum(_mask(file, words) for file in files if file.is_file())


def count_logs_naming(files: Iterable[Path], words: Sequence[str]) -> int:
    """Return the number of log files that name a person."""
    return sum(1 for file in files if file.is_file() and _is_named_in(file, words))


def _answers_naming(user_id: str) -> Iterator[IdempotentRequest]:
    """Iterate the stored answers that name a person."""
    near = Q(body__icontains=user_id) | Q(path__contains=user_id) | Q(location__contains=user_id)
    for row in IdempotentRequest.objects.filter(near).iterator():
        texts = (row.body, row.path, row.location)
        if any(mentions_id(text, user_id) for text in texts) or _is_source_named(row, user_id):
            yield row


def _replace_answer(row: IdempotentRequest, user_id: str) -> bool:
    """Replace a stored answer by a refusal.

    The row is kept, so that repeating the request does not enrol the person again.
    """
    row.path, row.location = "", ""
    if row.status:
        row.status, row.body = 409, json.dumps(ERASED_ANSWER)
    row.save(update_fields=["status", "body", "path", "location"])
    return True


def _is_source_named(row: IdempotentRequest, user_id: str) -> bool:
    """Return whether the answer describes an import from a file named after the person."""
    try:
        body = json.loads(row.body)
    except ValueError:
        return False
    source = body.get("source", "") if isinstance(body, dict) else ""
    return mentions_word(str(source), [user_id])


@dataclass(frozen=True)
class _SessionMessages:
    """A session with undelivered messages that name a person."""

    key: str
    stored: str
    words: Sequence[str]
    session: dict[str, Any]
    messages: list[Any]

    def forget(self) -> bool:
        """Remove these messages; return False if the session has changed meanwhile."""
        kept = [one for one in self.messages if not mentions_word(str(one), self.words)]
        session = {**self.session, SessionStorage.session_key: json.dumps(kept, cls=MessageEncoder)}
        same = Session.objects.filter(session_key=self.key, session_data=self.stored)
        return bool(same.update(session_data=SessionStore().encode(session)))


def _sessions_naming(words: Sequence[str]) -> Iterator[_SessionMessages]:
    """Iterate the sessions with undelivered messages that name a person."""
    for key, stored in Session.objects.values_list("session_key", "session_data"):
        session = SessionStore().decode(stored)
        try:
            messages = json.loads(session.get(SessionStorage.session_key, "[]"), cls=MessageDecoder)
        except ValueError:
            continue
        if any(mentions_word(str(one), words) for one in messages):
            yield _SessionMessages(key, stored, words, session, messages)


@dataclass(frozen=True)
class _Attempt:
    """A recorded login whose address or form names a person."""

    kind: Any
    pk: int
    fields: Sequence[str]

    def forget(self) -> bool:
        """Clear the texts; the count of failures is kept."""
        return bool(self.kind.objects.filter(pk=self.pk).update(**dict.fromkeys(self.fields, "")))


def _attempts_naming(words: Sequence[str]) -> Iterator[_Attempt]:
    """Iterate the recorded logins whose address or form names a person."""
    for kind, fields in LOGIN_TEXTS:
        near = Q()
        for field in fields:
            for word in words:
                near |= Q(**{f"{field}__icontains": word})
        for row in kind.objects.filter(near):
            if any(mentions_word(getattr(row, field) or "", words) for field in fields):
                yield _Attempt(kind, row.pk, fields)


def _is_named_in(file: Path, words: Sequence[str]) -> bool:
    with file.open("rb") as opened:
        return any(masked(line, words) != line for line in opened)


def _mask(file: Path, words: Sequence[str]) -> bool:
    """Overwrite words in a file, line by line; return whether any were found."""
    found, at = False, 0
    with file.open("r+b") as opened:
        while line := opened.readline():
            clean = masked(line, words)
            if clean != line:
                found = True
                opened.seek(at)
                opened.write(clean)
            at += len(line)
            opened.seek(at)
    return found

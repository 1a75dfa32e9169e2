"""Client of the embedded vector store.

One connection per thread and process. Requests are retried while the server restarts; every
method is idempotent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.errors import (
    DiskFull,
    InvalidName,
    InvalidVectors,
    ModelMismatch,
    StorageError,
    StoreUnavailable,
)
from storage.retry import retry
from storage.vectors.base import Hit, Where, check_filter, check_payload, check_vectors
from storage.vectors.embedded.protocol import Message, connect, receive_message, send_message

PATIENCE_S = 10.0  # the launcher restarts a killed server of 50,000 vectors within 2 s
TIMEOUT_S = 60.0  # per response
CONNECT_TIMEOUT_S = 5.0
MAX_UPSERT = 2000  # vectors per message: 4 MB at 512 values each
MAX_IDS = 10_000  # per message


@dataclass
class _Line:
    connection: Connection
    process: int


class EmbeddedVectors:
    """Client of the embedded store's server. Safe to share between threads and across a fork."""

    def __init__(self, socket: Path, *, patience: float = PATIENCE_S) -> None:
        self._socket = Path(socket)
        self._patience = patience
        self._own = threading.local()

    def ensure(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes; raise ModelMismatch for another dimension."""
        self._ask("ensure", model=model, dimension=dimension)

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""
        answer: int | None = self._ask("dimension", model=model).head["dimension"]
        return answer

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""
        table = check_vectors(ids, vectors, payloads)
        for some in _slices(len(ids), MAX_UPSERT):
            chosen = [dict(payload) for payload in payloads[some]]
            self._ask("upsert", table[some], model=model, ids=list(ids[some]), payloads=chosen)

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""
        check_payload(payload)
        for some in _slices(len(ids), MAX_IDS):
            self._ask("set_payload", model=model, ids=list(ids[some]), payload=dict(payload))

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""
        for some in _slices(len(ids), MAX_IDS):
            self._ask("delete", model=model, ids=list(ids[some]))

    def retrieve(self, model: str, ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the vectors (d,) by id; missing ids are left out."""
        found: dict[str, NDArray[np.float32]] = {}
        for some in _slices(len(ids), MAX_UPSERT):
            answer = self._ask("retrieve", model=model, ids=list(ids[some]))
            found.update(zip(answer.head["ids"], answer.table, strict=True))
        return found

    def iter_vectors(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
        """Yield ids and vectors (b, d), in batches."""
        for page in self._pages(model, where, batch=batch, vectors=True):
            yield page.head["ids"], page.table

    def iter_payloads(
        self, model: str, where: Where, *, batch: int = 1000
    ) -> Iterator[list[tuple[str, dict[str, str]]]]:
        """Yield ids and payloads, in batches."""
        for page in self._pages(model, where, batch=batch, vectors=False):
            yield list(zip(page.head["ids"], page.head["payloads"], strict=True))

    def search(
        self, model: str, vector: NDArray[np.float32], *, limit: int, where: Where
    ) -> list[Hit]:
        """Return up to ``limit`` faces nearest to a vector (d,), the most similar first."""
        query = np.asarray(vector, np.float32).reshape(1, -1)
        answer = self._ask("search", query, model=model, limit=limit, where=check_filter(where))
        return [
            Hit(id=face_id, similarity=max(-1.0, min(1.0, cosine)), payload=payload)
            for face_id, cosine, payload in answer.head["hits"]
        ]

    def count(self, model: str, where: Where) -> int:
        """Return the number of matching faces."""
        answer: int = self._ask("count", model=model, where=check_filter(where)).head["count"]
        return answer

    def facet(self, model: str, field: str, where: Where) -> dict[str, int]:
        """Return the number of matching faces per value of an indexed field."""
        answer = self._ask("facet", model=model, field=field, where=check_filter(where))
        values: dict[str, int] = answer.head["values"]
        return values

    def ping(self) -> None:
        """Raise StoreUnavailable unless the server answers within a few seconds."""
        try:
            with connect(
                self._socket, connect_timeout=CONNECT_TIMEOUT_S / 2, timeout=CONNECT_TIMEOUT_S / 2
            ) as line:
                send_message(line, Message({"do": "ping"}))
                receive_message(line)
        except _BROKEN as error:
            raise _unavailable() from error

    def _pages(self, model: str, where: Where, *, batch: int, vectors: bool) -> Iterator[Message]:
        asked: dict[str, Any] = {
            "model": model,
            "where": check_filter(where),
            "limit": batch,
            "vectors": vectors,
        }
        following: str | None = None
        while True:
            page = self._ask("scroll", offset=following, **asked)
            if page.head["ids"]:
                yield page
            following = page.head["next"]
            if following is None:
                return

    def _ask(self, do: str, table: NDArray[np.float32] | None = None, **head: Any) -> Message:
        told = {"do": do, **head}
        question = Message(told) if table is None else Message(told, table)
        try:
            answer = retry(
                lambda: self._ask_once(question), is_away=_is_broken, patience=self._patience
            )
        except _BROKEN as error:
            raise _unavailable() from error
        if "error" in answer.head:
            raise _refusal(answer.head["error"], answer.head["message"])
        return answer

    def _ask_once(self, question: Message) -> Message:
        line = self._line()
        try:
            send_message(line.connection, question)
            return receive_message(line.connection)
        except BaseException:
            # Also after an exception from a signal handler: the pending response would be taken
            # for the response to the next request.
            self._hang_up()
            raise

    def _line(self) -> _Line:
        line: _Line | None = getattr(self._own, "line", None)
        if line is not None and line.process != os.getpid():
            self._hang_up()  # inherited by a fork: two processes would mix their responses
            line = None
        if line is None:
            opened = connect(self._socket, connect_timeout=CONNECT_TIMEOUT_S, timeout=TIMEOUT_S)
            line = self._own.line = _Line(opened, os.getpid())
        return line

    def _hang_up(self) -> None:
        self._own.line.connection.close()
        self._own.line = None


_BROKEN = (OSError, EOFError, AuthenticationError, ValueError)
_REFUSALS: dict[str, type[StorageError]] = {
    refusal.code: refusal for refusal in (InvalidName, InvalidVectors, ModelMismatch)
}


def _is_broken(error: Exception) -> bool:
    return isinstance(error, _BROKEN)


def _slices(total: int, size: int) -> Iterator[slice]:
    for first in range(0, total, size):
        yield slice(first, first + size)


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable(
        "The vector store's process does not answer; start it with `manage.py up`.",
        store="qdrant",
    )


def _refusal(code: str, message: str) -> StorageError:
    if code in _REFUSALS:
        return _REFUSALS[code](message)
    away = DiskFull if code == DiskFull.code else StoreUnavailable
    return away(message, store="qdrant")

"""Client of the embedded vector store.

One connection per thread and process. Requests are retried while the server restarts; every
method is idempotent.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
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
from storage.vectors.base import Alternatives, Page, VectorStore
from storage.vectors.embedded.protocol import (
    IDS_PER_CALL,
    VECTORS_PER_CALL,
    Message,
    connect,
    receive_message,
    send_message,
)

PATIENCE_S = 10.0  # the launcher restarts a killed server of 50,000 vectors within 2 s
TIMEOUT_S = 60.0  # per response
CONNECT_TIMEOUT_S = 5.0


@dataclass
class _Line:
    connection: Connection
    process: int


class EmbeddedDriver:
    """Driver of the embedded store's server. Safe to share between threads and across a fork."""

    vectors_per_call = VECTORS_PER_CALL
    ids_per_call = IDS_PER_CALL

    def __init__(self, socket: Path, *, patience: float = PATIENCE_S) -> None:
        self._socket = Path(socket)
        self._patience = patience
        self._own = threading.local()

    def create(self, model: str, dimension: int) -> None:
        """Create the model's collection with indexes, unless it exists."""
        self._ask("create", model=model, dimension=dimension)

    def dimension(self, model: str) -> int | None:
        """Return the dimension of the model's vectors, None without a collection."""
        size: int | None = self._ask("dimension", model=model)
        return size

    def upsert(
        self,
        model: str,
        ids: Sequence[str],
        vectors: NDArray[np.float32],
        payloads: Sequence[Mapping[str, str]],
    ) -> None:
        """Write vectors (n, d) with their payloads; existing ids are replaced."""
        self._ask("upsert", vectors, model=model, ids=ids, payloads=payloads)

    def set_payload(self, model: str, ids: Sequence[str], payload: Mapping[str, str]) -> None:
        """Set payload fields of the existing faces; other fields are kept."""
        self._ask("set_payload", model=model, ids=ids, payload=payload)

    def delete(self, model: str, ids: Sequence[str]) -> None:
        """Remove vectors; missing ones are ignored."""
        self._ask("delete", model=model, ids=ids)

    def retrieve(self, model: str, ids: Sequence[str]) -> Page:
        """Return the vectors of the existing ids."""
        page: Page = self._ask("retrieve", model=model, ids=ids)
        return page

    def scroll(
        self, model: str, where: Alternatives, *, offset: str | None, limit: int, with_vectors: bool
    ) -> Page:
        """Return a page of matching points in the order of their ids."""
        options: dict[str, Any] = {"offset": offset, "limit": limit, "with_vectors": with_vectors}
        page: Page = self._ask("scroll", model=model, where=where, **options)
        return page

    def search(
        self, model: str, vectors: NDArray[np.float32], where: Alternatives, *, limit: int
    ) -> list[tuple[str, float, dict[str, str]]]:
        """Return (id, cosine, payload) of the points nearest to one vector (1, d)."""
        hits = self._ask("search", vectors, model=model, where=where, limit=limit)
        return [(face_id, cosine, payload) for face_id, cosine, payload in hits]

    def count(self, model: str, where: Alternatives) -> int:
        """Return the number of matching points."""
        return int(self._ask("count", model=model, where=where))

    def facet(self, model: str, field: str, where: Alternatives) -> dict[str, int]:
        """Return the number of matching points per value of an indexed field."""
        found: dict[str, int] = self._ask("facet", model=model, field=field, where=where)
        return found

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

    def _ask(self, do: str, vectors: NDArray[np.float32] | None = None, **arguments: Any) -> Any:
        """Call a method of the driver behind the server; return its result."""
        head = {"do": do, "arguments": arguments}
        question = Message(head) if vectors is None else Message(head, vectors)
        try:
            answer = retry(
                lambda: self._ask_once(question), is_away=_is_broken, patience=self._patience
            )
        except _BROKEN as error:
            raise _unavailable() from error
        if "error" in answer.head:
            raise _refusal(answer.head["error"], answer.head["message"])
        if "page" in answer.head:
            return Page(vectors=answer.table, **answer.head["page"])
        return answer.head["result"]

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


def embedded_vectors(socket: Path, *, patience: float = PATIENCE_S) -> VectorStore:
    """Return the vectors behind a server's socket, without connecting."""
    return VectorStore(EmbeddedDriver(socket, patience=patience))


_BROKEN = (OSError, EOFError, AuthenticationError, ValueError)
_REFUSALS: dict[str, type[StorageError]] = {
    refusal.code: refusal for refusal in (InvalidName, InvalidVectors, ModelMismatch)
}


def _is_broken(error: Exception) -> bool:
    return isinstance(error, _BROKEN)


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

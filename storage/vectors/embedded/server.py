"""Server process that owns the embedded vector store and serves it on a Unix socket.

`python -m storage.vectors.embedded.server --folder FOLDER --socket SOCKET`. SIGTERM stops it.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from storage.errors import StorageError
from storage.vectors.base import Page, VectorDriver
from storage.vectors.embedded.engine import Engine
from storage.vectors.embedded.protocol import (
    Message,
    connect,
    make_key,
    receive_message,
    send_message,
    socket_address,
)

logger = logging.getLogger("storage.vectors.embedded")

FLUSH_EVERY_S = 2.0
ACCEPT_AGAIN_S = 1.0
_BACKLOG = 128
METHODS = frozenset(name for name in vars(VectorDriver) if not name.startswith("_"))
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class OwnerRefused(Exception):
    """The server cannot start; the message contains the reason."""


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    # Blocked, not handled: an exception that a handler raises is lost if it comes up in a __del__.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        run_owner(arguments.folder, arguments.socket)
    except OwnerRefused as refusal:
        logger.error("%s", refusal)  # noqa: TRY400  # the message is sufficient
        return 1
    return 0


def run_owner(folder: Path, socket: Path) -> None:
    """Lock the folder and serve requests on the socket until SIGTERM or SIGINT, both blocked."""
    with _own_folder(folder), _open_engine(folder) as engine:
        key = make_key(socket)
        with closing(_listen(socket)) as listener:
            _start_thread(_flush_regularly, engine)
            _start_thread(_accept_clients, listener, engine, key)
            logger.info("Serving %s", folder)
            signal.sigwait(_STOP_SIGNALS)


def _start_thread(target: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=target, args=arguments, daemon=True).start()


@contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "owner").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise OwnerRefused(
                f"The vector store in {folder} is served already, by process {file.read()}; "
                "stop that one first."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _open_engine(folder: Path) -> Iterator[Engine]:
    try:
        engine = Engine(folder)
    except Exception as error:  # the engine raises no specific exceptions
        raise OwnerRefused(
            f"The vector store in {folder} cannot be opened ({error}); restore a backup, or move "
            "the folder away and repair the collections to write it anew."
        ) from error
    try:
        yield engine
    finally:
        engine.close()


def _listen(socket: Path) -> Listener:
    address = socket_address(socket)
    try:
        connect(socket, connect_timeout=1, timeout=1).close()
    except (OSError, EOFError, AuthenticationError):
        Path(address).unlink(missing_ok=True)  # no server behind it: left over from a kill
    else:
        raise OwnerRefused(f"Another vector store is served at {socket}; stop that one first.")
    inherited = os.umask(0o177)
    try:
        return Listener(address, "AF_UNIX", backlog=_BACKLOG)
    except OSError as error:
        raise OwnerRefused(f"There can be no socket at {address}: {error.strerror}.") from error
    finally:
        os.umask(inherited)


def _accept_clients(listener: Listener, engine: Engine, key: bytes) -> None:
    while not engine.is_closed:
        try:
            connection = listener.accept()
        except ConnectionError:  # the client disconnected before it was accepted
            continue
        except OSError as error:  # no file descriptors left, or the listener is closed
            if not engine.is_closed:
                logger.error("No client can be accepted: %s", error)  # noqa: TRY400  # expected
                time.sleep(ACCEPT_AGAIN_S)
            continue
        _start_thread(_serve, connection, engine, key)


def _flush_regularly(engine: Engine) -> None:
    wait = threading.Event().wait
    while not engine.is_closed:
        wait(FLUSH_EVERY_S)
        try:
            engine.flush()
        except Exception:  # the engine raises no specific exceptions; retried in the next round
            if not engine.is_closed:
                logger.exception("The vector store could not be flushed")


def _serve(connection: Connection, engine: Engine, key: bytes) -> None:
    """Serve one client until it disconnects."""
    with connection:
        try:
            deliver_challenge(connection, key)
            answer_challenge(connection, key)
            while True:
                send_message(connection, _answer(receive_message(connection), engine))
        except (EOFError, OSError, AuthenticationError, _Stopping):
            return
        except ValueError as error:
            logger.warning("A client was cut off: %s", error)


class _Stopping(Exception):
    """The store is being closed: the client retries after the restart."""


def _answer(question: Message, engine: Engine) -> Message:
    try:
        return _call(engine, question)
    except StorageError as refusal:
        return _failed(refusal.code, str(refusal))
    except Exception as error:  # the engine raises no specific ones, and the server must continue
        if engine.is_closed:
            raise _Stopping from error
        logger.exception("%s failed", question.head.get("do"))
        return _failed("failed", "The vector store failed; its log has the details.")


def _call(engine: Engine, question: Message) -> Message:
    """Call the method of the driver that a message names, with its arguments and its table."""
    method, arguments = question.head["do"], dict(question.head.get("arguments", {}))
    if method not in METHODS:
        raise ValueError(f"There is no method {method!r}.")
    if len(question.table):
        arguments["vectors"] = question.table
    result = getattr(engine, method)(**arguments)
    if not isinstance(result, Page):
        return Message({"result": result})
    page = {"ids": result.ids, "payloads": result.payloads, "next": result.next}
    return Message({"page": page}, result.vectors)


def _failed(code: str, message: str) -> Message:
    return Message({"error": code, "message": message})


if __name__ == "__main__":
    sys.exit(main())

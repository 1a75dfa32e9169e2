"""Wire protocol of the embedded vector store: a JSON head and a float32 table per message.

Nothing is unpickled: a client that can write to the socket can store wrong data, but cannot
execute code.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VECTORS_PER_CALL = 2000  # 4 MB at 512 values each
IDS_PER_CALL = 10_000
MAX_MESSAGE_BYTES = 512 << 20
MAX_SOCKET_PATH = 100  # bytes; the kernel takes 107
_HEAD = struct.Struct("<II")  # length of the JSON head in bytes, columns of the table
_SECONDS = struct.Struct("ll")  # struct timeval


@dataclass(frozen=True)
class Message:
    """A request or response; the table is (n, d)."""

    head: Mapping[str, Any]
    table: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 1), np.float32))


def send_message(connection: Connection, message: Message) -> None:
    """Write one message."""
    head = json.dumps(message.head, separators=(",", ":")).encode()
    table = np.ascontiguousarray(message.table, dtype="<f4")
    start = _HEAD.pack(len(head), table.shape[1])
    connection.send_bytes(b"".join((start, head, table.tobytes())))


def receive_message(connection: Connection) -> Message:
    """Read one message; raise ValueError if it is malformed."""
    raw = connection.recv_bytes(MAX_MESSAGE_BYTES)
    if len(raw) < _HEAD.size:
        raise ValueError("The message has no head.")
    head_bytes, columns = _HEAD.unpack_from(raw)
    end = _HEAD.size + head_bytes
    head = json.loads(raw[_HEAD.size : end])
    if not isinstance(head, dict) or columns < 1 or (len(raw) - end) % (4 * columns):
        raise ValueError("The message is cut off.")
    table = np.frombuffer(raw[end:], dtype="<f4").reshape(-1, columns)
    return Message(head, table.astype(np.float32, copy=False))


def socket_address(path: Path) -> str:
    """Return the path of the socket; a path too long for the kernel is replaced by a short one."""
    absolute = os.path.abspath(path)  # noqa: PTH100  # resolve() would access the disk
    if len(os.fsencode(absolute)) <= MAX_SOCKET_PATH:
        return absolute
    short = hashlib.sha256(os.fsencode(absolute)).hexdigest()[:24]
    return f"/tmp/faceadmin-{os.getuid()}-{short}.sock"


def key_path(path: Path) -> Path:
    """Return the file of the shared key for mutual authentication."""
    return path.with_name(f"{path.name}.key")


def make_key(path: Path) -> bytes:
    """Return the key of a socket; create it if missing, readable by its owner only (0600)."""
    file = key_path(path)
    if not file.exists():
        scratch = file.with_name(f"{file.name}.{os.getpid()}.part")
        scratch.unlink(missing_ok=True)
        scratch.touch(mode=0o600)
        scratch.write_text(secrets.token_hex(32))
        scratch.replace(file)
    file.chmod(0o600)
    return read_key(path)


def read_key(path: Path) -> bytes:
    """Return the key of a socket; raise FileNotFoundError without one."""
    return key_path(path).read_bytes()


def connect(path: Path, *, connect_timeout: float, timeout: float) -> Connection:
    """Return a connection after mutual authentication by the shared key; timeouts in seconds."""
    key = read_key(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as ours:
        ours.settimeout(connect_timeout)
        ours.connect(socket_address(path))
        ours.settimeout(None)
        _kernel_timeouts(ours, connect_timeout)
        connection = Connection(ours.detach())
    try:
        answer_challenge(connection, key)
        deliver_challenge(connection, key)
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            _kernel_timeouts(same, timeout)
    except BaseException:
        connection.close()
        raise
    return connection


def _kernel_timeouts(ours: socket.socket, seconds: float) -> None:
    """Set socket timeouts for reads and writes; Connection itself would block forever."""
    whole = int(seconds)
    value = _SECONDS.pack(whole, int((seconds - whole) * 1_000_000))
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)

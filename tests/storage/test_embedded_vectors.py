"""The embedded vector store's process: killed, stopped, started twice, sent invalid messages."""

import contextlib
import multiprocessing
import os
import pickle
import stat
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Client, Connection

import numpy as np
import pytest

from faceadmin.runtime.embedded_stores import is_qdrant_ready, qdrant_command
from storage.errors import StoreUnavailable
from storage.vectors.embedded.client import embedded_vectors
from storage.vectors.embedded.protocol import connect, key_path, socket_address
from tests.stores import CHECKOUT, vector_store

pytestmark = pytest.mark.services
DIMENSION = 32


@pytest.fixture
def place(tmp_path):
    return tmp_path / "vectors", tmp_path / "qdrant.sock"


@pytest.fixture
def owner(place):
    store = vector_store(*place).start()
    yield store
    if store.process.poll() is None:
        store.kill()


@pytest.fixture
def vectors(owner, place):
    return embedded_vectors(place[1])


def write(vectors, *, count=1, run=""):
    ids = [str(uuid.uuid4()) for _ in range(count)]
    table = np.random.default_rng().normal(size=(count, DIMENSION)).astype(np.float32)
    vectors.upsert("m", ids, table, [{"run": run}] * count)
    return ids


def stored(vectors):
    return {one for ids, _ in vectors.iter_vectors("m", {}) for one in ids}


def test_acknowledged_writes_survive_sigkill(owner, vectors):
    vectors.ensure("m", DIMENSION)
    acknowledged, stop = set(), threading.Event()

    def keep_writing():
        while not stop.is_set():
            acknowledged.update(write(vectors, count=5))

    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(keep_writing) for _ in range(3)]
        for kill in range(1, 4):
            while len(acknowledged) < 300 * kill and not any(one.done() for one in writers):
                stop.wait(0.01)
            owner.kill()
            owner.start()
        stop.set()
        for writer in writers:
            writer.result()

    assert len(acknowledged) >= 900
    assert acknowledged <= stored(vectors)


def test_sigterm_closes_cleanly_and_nothing_is_lost(owner, vectors, place):
    ids = write(vectors, count=50, run="r1")

    assert owner.stop() == 0
    assert not place[1].exists()
    owner.start()

    assert stored(vectors) == set(ids)
    assert vectors.facet("m", "run", {}) == {"r1": 50}
    assert vectors.dimension("m") == DIMENSION


def test_a_client_waits_for_an_owner_that_comes_back(owner, vectors):
    ids = write(vectors)
    owner.kill()

    restart = threading.Timer(0.3, owner.start)
    restart.start()
    found = stored(vectors)
    restart.join()

    assert found == set(ids)


def test_an_owner_that_stays_away_is_named(owner, place):
    impatient = embedded_vectors(place[1], patience=0.2)
    owner.kill()

    with pytest.raises(StoreUnavailable, match=r"manage\.py up") as refusal:
        impatient.count("m", {})
    assert refusal.value.store == "qdrant"


def test_a_socket_left_by_a_kill_is_not_ready_and_is_replaced(owner, place):
    owner.kill()

    assert place[1].exists()
    assert not is_qdrant_ready(place[1])
    owner.start()
    assert is_qdrant_ready(place[1])


@pytest.mark.parametrize("other_socket", [True, False])
def test_a_second_owner_is_refused_with_a_sentence(owner, place, tmp_path, other_socket):
    folder, socket = place
    command = (
        qdrant_command(folder, tmp_path / "other.sock")
        if other_socket
        else qdrant_command(tmp_path / "other", socket)
    )

    second = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30)

    assert second.returncode == 1
    assert "served" in second.stderr
    assert "Traceback" not in second.stderr
    assert str(owner.process.pid) in second.stderr or not other_socket
    assert is_qdrant_ready(socket)


def test_a_folder_that_cannot_be_opened_is_named(place):
    folder, socket = place
    (folder / "faces_m@32").mkdir(parents=True)

    owner = subprocess.run(
        qdrant_command(folder, socket), cwd=CHECKOUT, capture_output=True, text=True, timeout=30
    )

    assert owner.returncode == 1
    assert "cannot be opened" in owner.stderr
    assert "Traceback" not in owner.stderr


def test_only_the_owner_may_use_socket_and_key(owner, place):
    for file in (place[1], key_path(place[1])):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_client_with_another_key_is_not_served(owner, vectors, place):
    with pytest.raises(multiprocessing.AuthenticationError):
        Client(str(place[1]), "AF_UNIX", authkey=b"guess")

    vectors.ping()


def test_an_impostor_on_the_socket_is_not_ready(place):
    _, socket = place
    key_path(socket).write_text("ours")
    from multiprocessing.connection import Listener

    def impersonate(listener):
        with pytest.raises((multiprocessing.AuthenticationError, EOFError, OSError)):
            listener.accept()

    with Listener(str(socket), "AF_UNIX", authkey=b"guess") as listener:
        thread = threading.Thread(target=impersonate, args=(listener,))
        thread.start()
        assert not is_qdrant_ready(socket)
        thread.join()


class _Bomb:
    def __reduce__(self):
        return os.system, (f"touch {_Bomb.mark}",)


def test_invalid_messages_are_rejected_without_effect(owner, vectors, place, tmp_path):
    _Bomb.mark = tmp_path / "exploded"
    odd = [
        pickle.dumps(_Bomb()),
        b"",
        b"\0" * 8,
        b"\xff" * 64,
        b"\x02\0\0\0\x01\0\0\0[]",
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x02\0\0\0\x03\0\0\0{}1234",
        b"\x0d\0\0\0\x01\0\0\0" + b'{"do":"drop"}',
        b"\x0f\0\0\0\x01\0\0\0" + b'{"do":"search"}',
    ]

    for message in odd:
        with connect(place[1], connect_timeout=5, timeout=5) as line:
            line.send_bytes(message)
            with contextlib.suppress(EOFError):
                assert b"error" in line.recv_bytes()

    assert not _Bomb.mark.exists()
    vectors.ping()
    assert owner.process.poll() is None


def test_many_clients_at_once(vectors):
    vectors.ensure("m", DIMENSION)

    with ThreadPoolExecutor(24) as threads:
        written = list(threads.map(lambda _: write(vectors, count=7)[0], range(48)))
        counts = list(threads.map(lambda _: vectors.count("m", {}), range(48)))

    assert set(counts) == {48 * 7}
    assert set(written) <= stored(vectors)


def test_a_client_that_hangs_does_not_hold_up_the_others(owner, vectors, place):
    import socket

    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(place[1]))

        vectors.ping()


def test_parent_and_forked_child_do_not_share_a_connection(vectors):
    ids = write(vectors, count=40)

    def ask():
        assert all(set(vectors.retrieve("m", ids[:k])) == set(ids[:k]) for k in range(1, 40))

    children = [multiprocessing.get_context("fork").Process(target=ask) for _ in range(3)]
    for child in children:
        child.start()
    ask()
    for child in children:
        child.join(30)

    assert [child.exitcode for child in children] == [0, 0, 0]


def test_the_response_of_an_interrupted_request_is_not_read_by_the_next(vectors):
    ids = write(vectors, count=3)
    receive, interrupted = Connection.recv_bytes, []

    def interrupt(connection, *arguments):
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return receive(connection, *arguments)

    vectors.ping()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "recv_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            vectors.count("m", {})

    assert set(vectors.retrieve("m", ids)) == set(ids)


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    store = vector_store(deep / "vectors", deep / "qdrant.sock").start()

    address = socket_address(deep / "qdrant.sock")

    assert len(address) < 100
    assert stat.S_IMODE(os.stat(address).st_mode) == 0o600  # noqa: PTH116
    assert is_qdrant_ready(deep / "qdrant.sock")
    assert store.stop() == 0
    assert not os.path.exists(address)  # noqa: PTH110


def test_a_full_disk_is_refused_before_the_engine_meets_it(tmp_path, monkeypatch):
    from storage.errors import DiskFull
    from storage.vectors.embedded import engine as engine_module

    (tmp_path / "v").mkdir()
    engine = engine_module.Engine(tmp_path / "v")
    engine.create("m", 2)
    monkeypatch.setattr(engine_module, "ROOM_BYTES", 1 << 60)

    with pytest.raises(DiskFull) as refusal:
        engine.upsert("m", [str(uuid.uuid4())], np.ones((1, 2), np.float32), [{}])

    assert refusal.value.store == "qdrant"
    engine.close()


def test_a_kill_while_a_collection_is_made_leaves_none(tmp_path):
    from storage.vectors.embedded.engine import Engine

    (tmp_path / "new.faces_m@2" / "segments").mkdir(parents=True)
    engine = Engine(tmp_path)

    assert engine.dimension("m") is None
    engine.create("m", 2)
    assert engine.dimension("m") == 2
    engine.close()

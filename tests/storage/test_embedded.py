"""The embedded document store: started on a folder, recognised as ours, survives kills."""

import contextlib
import os
import random
import socket
import sqlite3
import threading

import mongoengine as me
import pymongo.errors
import pytest

from faceadmin.runtime.embedded_stores import (
    is_our_mongodb,
    is_qdrant_ready,
    mongodb_command,
    qdrant_command,
)
from storage.errors import StoreUnavailable
from storage.mongo import (
    bulk_upsert,
    mongo_process_id,
    ping_mongo,
    register_mongo,
    vacuum_embedded_store,
)
from storage.sqlite import truncate_wal
from tests.stores import document_store, free_port

pytestmark = pytest.mark.services


class Kept(me.Document):
    """A document to be kept."""

    id = me.StringField(primary_key=True)


@pytest.fixture
def store(settings, tmp_path):
    """An embedded document store of this test's own, which the documents use."""
    started, settings.MONGODB_URL = document_store(tmp_path / "mongodb")
    settings.DATABASE_NAME = "kept"
    started.start()
    register_mongo()
    yield started
    if started.process.poll() is None:
        started.kill()
    me.disconnect()
    register_mongo()


def port_of(store):
    return int(store.command[store.command.index("--port") + 1])


def test_the_server_on_the_folder_is_known_as_ours(store, tmp_path):
    assert is_our_mongodb(port_of(store), tmp_path / "mongodb")
    assert mongo_process_id(port_of(store)) == store.process.pid


def test_a_foreign_server_is_not_accepted_as_ours(store, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert not is_our_mongodb(port_of(store), other)

    (other / "nx-27017.pid").write_text(str(os.getpid()))
    assert not is_our_mongodb(port_of(store), other)


def test_a_port_that_only_listens_is_not_accepted_as_ours(tmp_path):
    (tmp_path / "nx-27017.pid").write_text(str(os.getpid()))

    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not is_our_mongodb(silent.getsockname()[1], tmp_path)
    assert not is_our_mongodb(free_port(), tmp_path)


def test_nothing_is_written_outside_the_folder(tmp_path):
    command = mongodb_command(tmp_path / "m", 1234)

    files = [
        command[command.index(flag) + 1] for flag in ("--log-file", "--pid-file", "--data-dir")
    ]
    assert all(file.startswith(str(tmp_path / "m")) for file in files)
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_the_process_id_of_a_killed_server_does_not_stop_the_next(store, tmp_path):
    store.kill()
    pid_file = tmp_path / "mongodb" / "nx-27017.pid"
    pid_file.write_text(str(os.getpid()))  # the number is another process's by now

    mongodb_command(tmp_path / "mongodb", port_of(store))

    assert not pid_file.exists()
    store.start()


def test_a_running_servers_process_id_is_left_alone(store, tmp_path):
    mongodb_command(tmp_path / "mongodb", port_of(store))

    assert is_our_mongodb(port_of(store), tmp_path / "mongodb")


def test_acknowledged_documents_survive_sigkill(store):
    acknowledged, stop = [], threading.Event()

    def keep_writing():
        number = 0
        while not stop.is_set():
            chunk = [Kept(id=f"{number:06d}-{index}") for index in range(10)]
            with contextlib.suppress(pymongo.errors.ConnectionFailure):
                bulk_upsert(Kept, chunk)
                acknowledged.extend(document.id for document in chunk)
            number += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    for kill in range(1, 3):
        while len(acknowledged) < 200 * kill and writer.is_alive():
            stop.wait(0.01)
        store.kill()
        store.start()
    stop.set()
    writer.join()

    assert len(acknowledged) >= 400
    assert set(acknowledged) <= {document.id for document in Kept.objects}


def test_ping_answers_and_names_a_store_that_is_away(store):
    ping_mongo()
    store.kill()

    with pytest.raises(StoreUnavailable, match="MongoDB") as refusal:
        ping_mongo()
    assert refusal.value.store == "mongodb"


def test_a_forked_child_gets_a_client_of_its_own(store):
    Kept(id="a").save()
    mine = me.connection.get_connection()

    child = os.fork()
    if child == 0:
        good = me.connection.get_connection() is not mine and Kept.objects.get(id="a")
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert me.connection.get_connection() is mine
    assert Kept.objects.get(id="a")


def test_registering_opens_nothing(settings):
    settings.MONGODB_URL = "mongodb+srv://no-such-host.invalid/"

    register_mongo()

    me.disconnect()
    register_mongo()


def test_the_database_name_wins_over_the_urls_path(store, settings):
    settings.MONGODB_URL = settings.MONGODB_URL.replace("/?", "/other?")
    register_mongo()

    assert Kept._get_collection().database.name == "kept"
    assert Kept.objects.first() is None


def test_the_vector_stores_command_names_folder_and_socket(tmp_path):
    command = qdrant_command(tmp_path / "v", tmp_path / "run" / "q.sock")

    assert command[1:] == [
        *("-m", "storage.vectors.embedded.server", "--folder", str(tmp_path / "v")),
        *("--socket", str(tmp_path / "run" / "q.sock")),
    ]
    assert not is_qdrant_ready(tmp_path / "run" / "q.sock")


def test_deleted_content_is_overwritten_in_the_file(store, tmp_path):
    database = me.connection.get_db()

    assert database.command("secure_delete")["result"] == [{"secure_delete": 1}]

    kept = database["kept"]
    kept.create_index("place")
    chosen, ids = random.Random(0), []
    for batch in range(30):
        owners = ["secret" if chosen.random() < 0.2 else "other" for _ in range(100)]
        documents = [
            {
                "_id": f"{owner}-{chosen.randrange(10**9)}-{batch}-{n}",
                "place": f"{owner}/{chosen.randrange(10**9)}",
                "text": "x" * chosen.choice([10, 200, 400, 5000]),
            }
            for n, owner in enumerate(owners)
        ]
        kept.insert_many(documents)
        ids += [one["_id"] for one in documents]
        for one in chosen.sample(ids, 30):
            kept.update_one({"_id": one}, {"$set": {"text": "y" * chosen.randrange(900)}})
    kept.delete_many({"_id": {"$in": [one for one in ids if one.startswith("secret")]}})
    file = vacuum_embedded_store()

    assert truncate_wal(file)
    left = [one.name for one in file.parent.glob("kept.db*") if b"secret" in one.read_bytes()]
    assert (file.name, left) == ("kept.db", [])


def test_a_log_that_a_reader_uses_is_not_called_truncated(tmp_path, monkeypatch):
    monkeypatch.setattr("storage.sqlite.BUSY_S", 0.1)
    file = tmp_path / "some.db"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t(a)")
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM t").fetchall()
            writer.execute("INSERT INTO t VALUES (1)")

            assert truncate_wal(file) is False

            reader.execute("COMMIT")
        assert truncate_wal(file) is True

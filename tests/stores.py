"""The stores that tests use: started once per session, a database and folders per test.

MONGODB_URL and QDRANT_URL in the environment name servers to use instead of the embedded stores.
"""

import os
import signal
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import mongoengine
import pytest

from faceadmin.runtime.embedded_stores import (
    is_our_mongodb,
    is_qdrant_ready,
    mongodb_command,
    qdrant_command,
)
from storage.mongo import register_mongo
from tests.s3_faults import S3WithFaults

CHECKOUT = Path(__file__).parent.parent
PATIENCE_S = 30


@dataclass(frozen=True)
class S3Server:
    """An S3 service over HTTP, and what lets us in."""

    endpoint: str
    access_key: str = "testing"
    secret_key: str = "testing-secret"  # moto takes any
    region: str = "us-east-1"


class Store:
    """A store's process, which tests may kill and start again."""

    def __init__(self, command, is_ready, log):
        self.command, self.is_ready, self.log = command, is_ready, log
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=CHECKOUT, stdout=log, stderr=log)
        give_up = time.monotonic() + PATIENCE_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > give_up:
                self.stop()
                raise AssertionError(f"{self.command} did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        return self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def document_store(folder):
    """Return an embedded document store on a free port, not started yet, and its URL."""
    port = free_port()
    command = mongodb_command(folder, port)
    store = Store(command, lambda: is_our_mongodb(port, folder), folder / "output")
    return store, f"mongodb://127.0.0.1:{port}/?directConnection=true"


def vector_store(folder, socket_path):
    """Return an embedded vector store on a socket, not started yet."""
    command = qdrant_command(folder, socket_path)
    return Store(command, lambda: is_qdrant_ready(socket_path), socket_path.with_suffix(".log"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory):
    """The URL of a document store with nothing of ours in it."""
    if os.environ.get("MONGODB_URL"):
        yield os.environ["MONGODB_URL"]
        return
    store, url = document_store(tmp_path_factory.mktemp("mongodb"))
    store.start()
    yield url
    store.stop()


@pytest.fixture(scope="session")
def qdrant_socket(tmp_path_factory):
    """The socket of an embedded vector store."""
    folder = tmp_path_factory.mktemp("qdrant")
    store = vector_store(folder / "vectors", folder / "qdrant.sock").start()
    yield folder / "qdrant.sock"
    store.stop()


@pytest.fixture(scope="session")
def s3_server():
    """An S3 service over HTTP: moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield S3Server(endpoint=f"http://127.0.0.1:{port}")
    server.stop()


@pytest.fixture
def mongodb(settings, mongodb_url):
    """A database of its own, which the documents use."""
    settings.MONGODB_URL = mongodb_url
    settings.DATABASE_NAME = f"test_{uuid.uuid4().hex[:12]}"
    register_mongo()
    yield settings.DATABASE_NAME
    mongoengine.connection.get_connection().drop_database(settings.DATABASE_NAME)
    mongoengine.disconnect()
    register_mongo()


@pytest.fixture
def stores(settings, mongodb, qdrant_socket, tmp_path):
    """Documents, vectors, crops and buckets, all real; buckets and crops are empty folders."""
    settings.QDRANT_SOCKET = qdrant_socket
    settings.QDRANT_URL = os.environ.get("QDRANT_URL", "")
    settings.QDRANT_API_KEY = os.environ.get("QDRANT_API_KEY", "")
    settings.WASABI_ACCESS_KEY = settings.WASABI_SECRET_KEY = ""
    settings.BUCKETS_ROOT = tmp_path / "buckets"
    settings.BUCKETS_ROOT.mkdir()
    settings.ERASURE_LOG = tmp_path / "erasures.jsonl"
    crops = {
        "BACKEND": "storage.pictures.PictureFolder",
        "OPTIONS": {"location": tmp_path / "crops"},
    }
    settings.STORAGES = {**settings.STORAGES, "crops": crops}


@pytest.fixture
def s3_settings(settings, s3_server):
    """Settings under which buckets are those of the S3 service."""
    settings.WASABI_ENDPOINT = s3_server.endpoint
    settings.WASABI_REGION = s3_server.region
    settings.WASABI_ACCESS_KEY = s3_server.access_key
    settings.WASABI_SECRET_KEY = s3_server.secret_key
    return s3_server


@pytest.fixture
def faulty_s3(settings):
    """An S3 service whose faults can be switched (tests/s3_faults.py); buckets are its buckets."""
    service = S3WithFaults().start()
    settings.WASABI_ENDPOINT = service.endpoint
    settings.WASABI_REGION = service.region
    settings.WASABI_ACCESS_KEY = service.access_key
    settings.WASABI_SECRET_KEY = service.secret_key
    yield service
    service.close()

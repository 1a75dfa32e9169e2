"""`manage.py up`: one command runs everything, and leaves nothing behind."""

import os
import re
import signal
import socket

import pytest

from tests.e2e.product import Product

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def installation(tmp_path_factory, model_files):
    with Product(tmp_path_factory.mktemp("up"), FACEADMIN_MODELS=model_files) as product:
        yield product


@pytest.fixture
def product(installation):
    """The installation, running."""
    if installation.process is None:
        installation.up()
    return installation


def test_it_prints_the_address_the_models_and_the_data_folder(product):
    product.wait_for(lambda: "Ready:" in product.said())

    assert re.search(r"^First account: admin, password: \S{16} ", product.said(), flags=re.M)
    assert re.search(r"^Models: \S+ \+ \S+\. \S+", product.said(), flags=re.M)
    assert f"Data: {product.data}" in product.said()
    assert f"Ready: {product.address}" in product.said()


def test_a_second_start_is_refused_and_names_the_first(product):
    second = product.command("up")

    assert second.returncode == 4
    assert second.stderr.strip() == (
        "faceadmin is running already on this data folder: "
        f"process {product.process.pid} at {product.address}."
    )


def test_health_of_a_container_asks_the_web_server(product):
    assert product.command("health").returncode == 0
    assert product.command("health", FACEADMIN_PORT=product.port + 1).returncode == 1


@pytest.mark.parametrize(
    "words",
    [("nx_27017",), ("storage.vectors.embedded.server",), ("gunicorn",), ("manage.py", "workers")],
)
def test_a_crashed_process_is_started_again(product, words):
    before = set(product.processes(*words))
    victim = min(before, key=lambda one: os.getpgid(one) != one)

    os.kill(victim, signal.SIGKILL)

    product.wait_for(lambda: before.isdisjoint(now := product.processes(*words)) and now)
    product.wait_for(lambda: product.get("/health/ready")[0] == 200)
    product.wait_for(lambda: "ended with signal SIGKILL; it is started again." in product.said())


def test_sigterm_leaves_no_process_and_the_next_start_has_the_accounts(product):
    key = product.key()
    running = product.process

    product.stop()

    assert running.returncode == 0
    assert product.processes() == []
    assert product.said().endswith("Stopped.\n")

    product.up()

    assert product.get("/debug-quality-settings", key=key)[0] == 200
    assert product.said().count("password:") == 1


def test_a_killed_launcher_leaves_no_process(product):
    assert len(product.processes()) >= 8

    product.stop(signal.SIGKILL)

    product.wait_for(lambda: product.processes() == [], seconds=10)
    assert product.up().get("/health/live")[0] == 200


def test_a_port_that_is_taken_is_named(installation):
    installation.stop()
    with socket.create_server(("127.0.0.1", installation.port)):
        ended = installation.command("up")

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"Port {installation.port} on 127.0.0.1 is taken by another program; "
        "set FACEADMIN_PORT to a free one."
    )
    assert installation.processes() == []


def test_a_server_that_is_away_at_the_start_ends_it_with_a_sentence(installation):
    installation.stop()

    ended = installation.command("up", MONGODB_URL="mongodb://127.0.0.1:1/?directConnection=true")

    assert ended.returncode == 3
    assert "There is no answer from the document store (MongoDB)" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert installation.processes() == []


def test_prepare_is_safe_to_repeat(installation):
    ended = installation.command("prepare")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Models: ")

"""Killed and suspended processes: the product recovers, and health reports the failure."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.product import ROOT, Product
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PATH = "faces/few"
TIMEOUT_S = 6
SLEEP = """
import django; django.setup()
from django_q.tasks import async_task
for _ in range({times}): async_task("time.sleep", {seconds})
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory, model_files):
    folder = tmp_path_factory.mktemp("stalled")
    if FACES.exists():
        shutil.copytree(FACES / "lfw10" / "Ariel_Sharon", folder / "buckets" / PATH)
    settings = {
        "BUCKETS_ROOT": folder / "buckets",
        "FACEADMIN_MODELS": model_files,
        "FACEADMIN_WORKERS": 2,
        "QUEUE_HEARTBEAT_TIMEOUT": TIMEOUT_S,
    }
    with Product(folder, **settings).up() as one:
        yield one


@pytest.fixture
def product(started):
    """Return the product once its queue works; an earlier test may have restarted it."""
    started.wait_for(lambda: queue_of(started) == (200, "2 workers"))
    return started


def waiting_in(product, place):
    """Return the queue's processes that wait in one of some kernel functions."""
    found = []
    for process in product.processes("manage.py", "workers"):
        wchan = Path(f"/proc/{process}/wchan")
        if wchan.exists() and place in wchan.read_text():
            found.append(process)
    return found


def readers(product):
    """Return the processes that wait to read a task or a result from a pipe."""
    return waiting_in(product, "pipe_read")


def queue_of(product):
    status, answer = product.get("/health/ready")
    return status, (answer or {}).get("queue", {}).get("detail", "")


def run_finishes(product):
    return product.cluster(PATH)["stats"]["total_images"] == 10


@needs_labelled_photos
def test_killing_queue_readers_does_not_stop_the_queue(product):
    said = product.said()
    for _ in range(3):
        some = readers(product)
        assert some, "no process of the queue waits in a pipe, so this test kills nothing"
        for process in some:
            os.kill(process, signal.SIGKILL)
        product.wait_for(lambda some=some: readers(product) and not {*some} & {*readers(product)})

    assert run_finishes(product)
    assert queue_of(product) == (200, "2 workers")
    assert "'workers'" not in product.said().removeprefix(said)  # nothing was started again


@needs_labelled_photos
@pytest.mark.parametrize("which", ["readers", "pusher", "sentinel"])
def test_stalled_queue_is_reported_and_restarted(product, which):
    before = product.processes("manage.py", "workers")
    victims = {"readers": readers(product), "pusher": before[-1:], "sentinel": before[1:2]}
    for process in victims[which]:
        os.kill(process, signal.SIGSTOP)

    product.wait_for(lambda: queue_of(product)[0] == 503)
    if which != "sentinel":  # who publishes the heartbeat
        assert "heartbeat" in queue_of(product)[1]
    product.wait_for(lambda: queue_of(product)[0] == 200, seconds=5 * TIMEOUT_S)

    assert not {*before} & {*product.processes("manage.py", "workers")}
    assert run_finishes(product)


def test_long_tasks_do_not_count_as_a_stall(product):
    """Every worker executes a task for longer than the heartbeat timeout."""
    environment = {**product.environment, "DJANGO_SETTINGS_MODULE": "faceadmin.settings"}
    script = SLEEP.format(times=2, seconds=2 * TIMEOUT_S)
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
    before, until = product.processes("manage.py", "workers"), time.monotonic() + 3 * TIMEOUT_S

    while time.monotonic() < until:
        assert queue_of(product) == (200, "2 workers")
        time.sleep(0.2)

    assert product.processes("manage.py", "workers") == before
    with sqlite3.connect(product.data / "faceadmin.sqlite3") as database:
        rows = database.execute("SELECT func FROM django_q_task").fetchall()
    assert rows
    assert not [func for (func,) in rows if "heartbeat" in func]  # they leave nothing behind


def test_stalled_workers_end_while_other_workers_continue(product):
    beside = subprocess.Popen(
        [sys.executable, "manage.py", "workers"],
        env=product.environment,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        product.wait_for(lambda: queue_of(product)[1] == "4 workers")
        theirs = [one for one in readers(product) if os.getpgid(one) == beside.pid]
        for process in theirs:
            os.kill(process, signal.SIGSTOP)

        product.wait_for(lambda: "others have not answered" in queue_of(product)[1])
        assert queue_of(product)[0] == 200
        assert beside.wait(10 * TIMEOUT_S) == 1
        assert "have to be started again" in beside.stderr.read()
    finally:
        beside.kill()
    assert run_finishes(product)


def test_hanging_stores_and_web_server_are_restarted(product):
    parts = [("nx_27017",), ("storage.vectors.embedded.server",), ("gunicorn",)]
    before = {part: product.processes(*part) for part in parts}
    for processes in before.values():
        os.kill(processes[0], signal.SIGSTOP)  # the first is the one that was started

    def are_others():
        now = {part: product.processes(*part) for part in parts}
        return all(now[part] and not {*now[part]} & {*before[part]} for part in parts)

    product.wait_for(are_others, seconds=300)
    product.wait_for(lambda: product.get("/health/ready")[0] == 200)
    assert product.said().count("did not answer for") == len(parts)

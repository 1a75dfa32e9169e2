"""Processes are started in order, restarted, and stopped in reverse with their children."""

import os
import signal
import sys
import threading
import time
from dataclasses import replace

import pytest

from faceadmin.runtime import supervisor
from faceadmin.runtime.services import Service
from faceadmin.runtime.supervisor import CrashLoop, Supervisor, Timeouts

QUICK = Timeouts(
    start=20, stop=2, steady=1000, pause=0.01, longest_pause=0.02, tick=0.01, failures=3, ask=0.02
)
# Writes its id to the file, and the order of its end to another.
LIVES = """
import os, pathlib, signal, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def end(*_):
    with (folder / "ends").open("a") as ends: ends.write(name + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
(folder / name).write_text(str(os.getpid()))
while True: signal.pause()
"""
IS_DEAF_AND_HAS_A_CHILD = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: (pathlib.Path(sys.argv[1]) / sys.argv[2]).write_text(f"{os.getpid()} {child}")
while True: signal.pause()
"""


@pytest.fixture
def service(tmp_path):
    def make(name, code=LIVES):
        return Service(
            name,
            lambda: [sys.executable, "-c", code, str(tmp_path), name],
            lambda process: ids_of(tmp_path / name)[:1] == [process],
        )

    return make


@pytest.fixture
def supervise(tmp_path):
    said = []

    def run(*services, when_ready=lambda supervisor: supervisor.stop_soon(), patience=QUICK):
        one = Supervisor(services, logs=tmp_path / "logs", say=said.append, timeouts=patience)
        give_up = threading.Timer(30, one.stop_soon)
        give_up.start()
        try:
            one.run(when_ready=lambda: when_ready(one))
        finally:
            give_up.cancel()
        return said

    return run


def ids_of(file):
    return [int(one) for one in file.read_text().split()] if file.exists() else []


def is_alive(process):
    """Return whether a process runs; a zombie counts as ended."""
    try:
        with open(f"/proc/{process}/stat") as stat:  # noqa: PTH123  # a file of the kernel
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_processes_stop_in_reverse_order_and_leave_no_children(supervise, service, tmp_path):
    supervise(service("stores"), service("workers"), service("web"))

    assert (tmp_path / "ends").read_text().split() == ["web", "workers", "stores"]
    assert not any(is_alive(ids_of(tmp_path / name)[0]) for name in ("stores", "workers", "web"))


def test_each_process_starts_after_the_previous_is_ready(supervise, service, tmp_path):
    never = Service("stores", service("stores").command, lambda _process: False)

    with pytest.raises(CrashLoop, match=r"'stores' was not ready within 0\.1 s, 3 times in a row"):
        supervise(never, service("web"), patience=replace(QUICK, start=0.1))

    assert not (tmp_path / "web").exists()


def test_process_that_ignores_sigterm_is_killed_with_its_children(supervise, service, tmp_path):
    patience = replace(QUICK, stop=0.1)

    supervise(service("deaf", IS_DEAF_AND_HAS_A_CHILD), patience=patience)

    parent, child = ids_of(tmp_path / "deaf")
    give_up = time.monotonic() + 5
    while is_alive(child):
        assert time.monotonic() < give_up
    assert not is_alive(parent)


def test_crashed_process_is_restarted(supervise, service, tmp_path):
    """The process is killed once everything is ready; everything stops when it is ready again."""
    first = []
    counted = service("worker")

    def is_ready(process):
        if first and process != first[0] and counted.is_ready(process):
            ran[0].stop_soon()
        return counted.is_ready(process)

    def kill_once(one):
        ran.append(one)
        first.extend(ids_of(tmp_path / "worker"))
        os.kill(first[0], 9)

    ran = []
    said = supervise(Service("worker", counted.command, is_ready), when_ready=kill_once)

    assert ids_of(tmp_path / "worker") != first
    assert said == ["The process 'worker' ended with signal SIGKILL; it is started again."]


def test_crash_loop_ends_all_processes_with_the_end_of_the_log(supervise, service, tmp_path):
    crashing = service("vectors", "import sys; print('The folder is broken.'); sys.exit(7)")

    with pytest.raises(CrashLoop) as refusal:
        supervise(service("documents"), crashing)

    assert "'vectors' ended with exit code 7, 3 times in a row" in str(refusal.value)
    assert str(refusal.value).endswith("The folder is broken.")
    assert (tmp_path / "ends").read_text().split() == ["documents"]


def killer(tmp_path, service, *, times, number=signal.SIGKILL):
    """Return a service that is signalled each time it is ready and finally stops everything."""
    counted, seen, ran = service("worker"), [], []

    def is_ready(process):
        if not counted.is_ready(process):
            return False
        if process not in seen:
            seen.append(process)
        if len(seen) > times:
            ran[0].stop_soon()
        elif ran:
            os.kill(process, number)
        return True

    def when_ready(one):
        ran.append(one)
        os.kill(seen[0], number)

    return Service("worker", counted.command, is_ready), when_ready, seen


def test_process_that_was_ready_is_restarted_after_any_number_of_kills(
    supervise, service, tmp_path
):
    worker, when_ready, seen = killer(tmp_path, service, times=3 * QUICK.failures)

    said = supervise(worker, when_ready=when_ready)

    assert len(seen) == 3 * QUICK.failures + 1
    assert len(said) == 3 * QUICK.failures


def test_hanging_process_is_restarted(supervise, service, tmp_path):
    worker, when_ready, seen = killer(tmp_path, service, times=1, number=signal.SIGSTOP)

    said = supervise(worker, when_ready=when_ready, patience=replace(QUICK, silent=0.5))

    assert len(seen) == 2
    assert not is_alive(seen[0])
    assert said == ["The process 'worker' did not answer for 0.5 s; it is started again."]


def test_slow_process_is_not_restarted(supervise, service):
    """Every second probe fails, but never for as long as the limit for a restart."""
    counted, asked, ran = service("web"), [], []

    def is_alive(process):
        asked.append(process)
        if len(asked) > 20:
            ran[0].stop_soon()
        return len(asked) % 4 == 0

    said = supervise(
        Service("web", counted.command, counted.is_ready, is_alive),
        when_ready=ran.append,
        patience=replace(QUICK, silent=5),
    )

    assert said == []
    assert len(set(asked)) == 1


def test_restarted_process_does_not_wait_for_the_others(supervise, service, tmp_path):
    """The web server is ready when all parts are; after its first start, liveness is enough."""
    counted, first, ran = service("web"), [], []

    def is_ready(process):
        return not first and counted.is_ready(process)

    def is_alive(process):
        if first and process != first[0] and counted.is_ready(process):
            ran[0].stop_soon()
            return True
        return not first

    def kill_once(one):
        ran.append(one)
        first.extend(ids_of(tmp_path / "web"))
        os.kill(first[0], 9)

    said = supervise(
        Service("web", counted.command, is_ready, is_alive),
        when_ready=kill_once,
        patience=replace(QUICK, start=5),
    )

    assert said == ["The process 'web' ended with signal SIGKILL; it is started again."]


def test_log_size_is_bounded(supervise, service, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "LOG_BYTES", 100)
    log = tmp_path / "logs" / "web.log"
    log.parent.mkdir()
    log.write_text("x" * 101)

    supervise(service("web"))

    assert log.stat().st_size == 0
    assert log.with_name("web.log.1").stat().st_size == 101

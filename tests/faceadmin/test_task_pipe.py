"""The queue between the processes of a cluster survives the kill of a waiting process."""

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from faceadmin.runtime.task_pipe import FileLock, TaskPipe

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere clusters keep django-q's own queue"
)
FORK = multiprocessing.get_context("fork")
PATIENCE_S = 20


@pytest.fixture
def fork():
    started = []

    def start(target, *args):
        process = FORK.Process(target=target, args=args, daemon=True)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def wait_for(is_so):
    give_up = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def waits_in(process, place):
    return place in Path(f"/proc/{process.pid}/wchan").read_text()


def copy(source, target):
    for item in iter(source.get, "STOP"):
        target.put(item)


def test_killed_reader_does_not_block_other_readers(fork):
    tasks, results = TaskPipe(), TaskPipe()
    readers = [fork(copy, tasks, results) for _ in range(2)]
    for _ in range(2):
        wait_for(lambda: any(waits_in(one, "pipe_read") for one in readers))
        [reading] = [one for one in readers if waits_in(one, "pipe_read")]
        reading.kill()
        reading.join()
        readers.remove(reading)
        readers.append(fork(copy, tasks, results))

    for number in range(5):
        tasks.put(number)

    wait_for(lambda: results.qsize() == 5)
    assert sorted(results.get() for _ in range(5)) == [0, 1, 2, 3, 4]


def test_lock_is_exclusive_and_released_when_its_process_ends(fork):
    lock = FileLock()
    owner = fork(lambda: (lock.acquire(), signal.pause()))

    def is_taken():
        if not lock.acquire(block=False):
            return True
        lock.release()
        return False

    wait_for(is_taken)
    os.kill(owner.pid, signal.SIGKILL)

    wait_for(lambda: not is_taken())

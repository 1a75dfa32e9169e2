"""One launcher per data folder."""

import os
import subprocess
import sys

import pytest

from faceadmin.data_lock import Running, data_locked, running_on
from faceadmin.exits import Ended, Exit

HERE = Running(os.getpid(), "http://here:1", documents=28765)


def test_nobody_runs_on_a_new_folder(tmp_path):
    assert running_on(tmp_path / "new") is None


def test_whoever_holds_it_is_named(tmp_path):
    with data_locked(tmp_path, HERE) as lock:
        assert running_on(tmp_path) == HERE
        lock.tell(Running(7, is_ready=True))
        assert running_on(tmp_path) == Running(7, is_ready=True)


def test_it_is_held_once(tmp_path):
    with (
        data_locked(tmp_path, HERE),
        pytest.raises(Ended, match=rf"process {os.getpid()} at http://here:1\.") as refusal,
        data_locked(tmp_path, Running(8)),
    ):
        pass

    assert refusal.value.code == Exit.RUNNING_ALREADY


def test_it_is_free_again_afterwards(tmp_path):
    with data_locked(tmp_path, Running(8)):
        pass

    assert running_on(tmp_path) is None
    with data_locked(tmp_path, Running(8)):
        pass


def test_commands_find_the_documents_of_whoever_runs_on_their_folder(tmp_path):
    port = "import faceadmin.settings as settings; print(settings.FACEADMIN_MONGODB_PORT)"
    environment = {**os.environ, "FACEADMIN_DATA": str(tmp_path)}
    for name in ("FACEADMIN_PORT", "FACEADMIN_MONGODB_PORT", "MONGODB_URL"):
        environment.pop(name, None)

    def said():
        command = [sys.executable, "-c", port]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return ended.stdout.strip()

    assert said() == "28000"
    with data_locked(tmp_path, HERE):
        assert said() == "28765"

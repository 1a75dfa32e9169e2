"""One launcher per data folder."""

import os
import subprocess
import sys

import pytest

from faceadmin.runtime.exit_codes import CommandFailed, Exit
from faceadmin.runtime.instance_lock import RunningInstance, find_running, hold_data_lock

HERE = RunningInstance(os.getpid(), "http://here:1", documents=28765)


def test_a_new_folder_has_no_running_instance(tmp_path):
    assert find_running(tmp_path / "new") is None


def test_the_process_with_the_lock_is_named(tmp_path):
    with hold_data_lock(tmp_path, HERE) as lock:
        assert find_running(tmp_path) == HERE
        lock.tell(RunningInstance(7, is_ready=True))
        assert find_running(tmp_path) == RunningInstance(7, is_ready=True)


def test_it_is_held_once(tmp_path):
    with (
        hold_data_lock(tmp_path, HERE),
        pytest.raises(CommandFailed, match=rf"process {os.getpid()} at http://here:1\.") as refusal,
        hold_data_lock(tmp_path, RunningInstance(8)),
    ):
        pass

    assert refusal.value.code == Exit.RUNNING_ALREADY


def test_it_is_free_again_afterwards(tmp_path):
    with hold_data_lock(tmp_path, RunningInstance(8)):
        pass

    assert find_running(tmp_path) is None
    with hold_data_lock(tmp_path, RunningInstance(8)):
        pass


def test_commands_use_the_documents_of_the_instance_running_on_their_folder(tmp_path):
    port = "import faceadmin.settings as settings; print(settings.FACEADMIN_MONGODB_PORT)"
    environment = {**os.environ, "FACEADMIN_DATA": str(tmp_path)}
    for name in ("FACEADMIN_PORT", "FACEADMIN_MONGODB_PORT", "MONGODB_URL"):
        environment.pop(name, None)

    def said():
        command = [sys.executable, "-c", port]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return ended.stdout.strip()

    assert said() == "28000"
    with hold_data_lock(tmp_path, HERE):
        assert said() == "28765"

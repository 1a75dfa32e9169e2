"""One launcher per data folder."""

import os

import pytest

from faceadmin.data_lock import Running, data_locked, running_on
from faceadmin.exits import Ended, Exit


def test_nobody_runs_on_a_new_folder(tmp_path):
    assert running_on(tmp_path / "new") is None


def test_whoever_holds_it_is_named(tmp_path):
    with data_locked(tmp_path, address="http://here:1") as lock:
        assert running_on(tmp_path) == Running(os.getpid(), "http://here:1")
        lock.tell(Running(7, is_ready=True))
        assert running_on(tmp_path) == Running(7, is_ready=True)


def test_it_is_held_once(tmp_path):
    with (
        data_locked(tmp_path, address="http://here:1"),
        pytest.raises(Ended, match=rf"process {os.getpid()} at http://here:1\.") as refusal,
        data_locked(tmp_path, address=""),
    ):
        pass

    assert refusal.value.code == Exit.RUNNING_ALREADY


def test_it_is_free_again_afterwards(tmp_path):
    with data_locked(tmp_path, address=""):
        pass

    assert running_on(tmp_path) is None
    with data_locked(tmp_path, address=""):
        pass

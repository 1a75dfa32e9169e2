"""Fifty kills of random processes while a client works: nothing is lost, doubled or stalled."""

import subprocess
import sys

import pytest

from tests.e2e.product import ROOT
from tests.labelled import FACES, needs_labelled_photos

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

KILLS = 50


def test_the_soak_finds_nothing_wrong(model_files, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    options = ("--kills", KILLS, "--photos", 20, "--pause", 1, "--models", model_files)

    soak = subprocess.run(
        [sys.executable, "benchmarks/kills.py", FACES / "lfw10", *map(str, options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert soak.returncode == 0, soak.stdout
    assert f"{KILLS} kills in" in soak.stdout

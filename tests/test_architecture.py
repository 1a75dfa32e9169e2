"""The floors of the house: imports point down, drivers stay behind their adapter."""

import subprocess
import sys
from pathlib import Path

from tests.labelled import ROOT


def test_imports_keep_every_contract():
    # In a process of its own: the linter sets up logging anew.
    lint_imports = Path(sys.executable).with_name("lint-imports")

    ended = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout

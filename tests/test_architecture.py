"""The floors of the house: imports point down, drivers stay behind their adapter."""

import re
import subprocess
import sys
from pathlib import Path

from tests.labelled import ROOT

# Beside the settings: pip's own variables, the environment of child processes, and defaults that
# Django and ONNX Runtime read.
USES_THE_ENVIRONMENT = {
    "faceadmin/env.py",
    "faceadmin/runtime/gunicorn_conf.py",
    "faceadmin/runtime/supervisor.py",
    "faceadmin/wsgi.py",
    "vision/models/pypi_archives.py",
    "vision/models/sessions.py",
}
PACKAGES = (
    "faceadmin",
    "review",
    "assignments",
    "clustering",
    "profiles",
    "web",
    "storage",
    "vision",
)


def test_settings_alone_read_the_environment():
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))

    found = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if re.search(r"\b(environb?|getenv)\b", file.read_text())
    }

    assert found == USES_THE_ENVIRONMENT


def test_imports_keep_every_contract():
    # In a process of its own: the linter sets up logging anew.
    lint_imports = Path(sys.executable).with_name("lint-imports")

    ended = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout

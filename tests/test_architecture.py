"""The layers: imports point down, and a driver has one importer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

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
IMPORTERS = {
    "qdrant_client": {"storage/vectors/qdrant.py"},
    "qdrant_edge": {"storage/vectors/embedded/engine.py"},
    "boto3": {"storage/buckets/s3.py"},
    "onnxruntime": {"vision/models/sessions.py"},
    "onnx": {"vision/models/prepare/centerface.py", "vision/models/prepare/dlib.py"},
    "pymongo": {"storage/errors.py", "storage/mongo.py"},
    "neosqlite": {"storage/nx_27017_server.py"},
    "dotenv": {"faceadmin/env_file.py"},
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
    assert modules_with(r"\b(environb?|getenv)\b") == USES_THE_ENVIRONMENT


@pytest.mark.parametrize("driver", IMPORTERS)
def test_a_driver_has_its_importers_and_no_other(driver):
    imported = rf"(?m)^\s*(import|from) {driver}\b|import_module\(\"{driver}\"\)"

    assert modules_with(imported) == IMPORTERS[driver]


def modules_with(pattern):
    """Return the modules of the product whose text matches a pattern."""
    return {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if re.search(pattern, file.read_text())
    }


def test_imports_keep_every_contract():
    # In a process of its own: the linter sets up logging anew.
    lint_imports = Path(sys.executable).with_name("lint-imports")

    ended = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout

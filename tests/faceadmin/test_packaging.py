"""Containers, CI and the example of settings say the same as the code."""

import re
from pathlib import Path

import pytest
import yaml

from faceadmin.runtime.services import PREPARE, WEB, WORKERS
from faceadmin.settings import env

CHECKOUT = Path(__file__).parents[2]
SECRET = re.compile(r"\s+\w*(PASSWORD|SECRET_KEY|ACCESS_KEY|API_KEY|ROOT_USER):\s*(\S+)")
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "MONGO_PASSWORD"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((CHECKOUT / "compose.yaml").read_text())


def test_the_example_explains_every_setting_and_no_other():
    example = (CHECKOUT / ".env.example").read_text()

    named = set(re.findall(r"^#?([A-Z][A-Z_]+)=", example, flags=re.M))

    assert named - COMPOSE_ONLY == env.names


@pytest.mark.parametrize(
    ("service", "command"), [("prepare", PREPARE), ("workers", WORKERS), ("web", WEB)]
)
def test_compose_runs_the_commands_of_the_launcher(compose, service, command):
    assert tuple(compose["services"][service]["command"]) == command


def test_compose_uses_known_settings_only(compose):
    for name in ("prepare", "workers", "web"):
        assert compose["services"][name]["environment"].keys() <= env.names


def test_compose_holds_no_secret():
    for line in (CHECKOUT / "compose.yaml").read_text().splitlines():
        secret = SECRET.match(line)
        assert secret is None or secret[2].startswith("${"), line


def test_the_image_is_not_root_and_copies_what_the_code_needs():
    image = (CHECKOUT / "Dockerfile").read_text()
    copied = {
        line[1:] for line in (CHECKOUT / ".dockerignore").read_text().split() if line[0] == "!"
    }

    assert re.search(r"^USER faceadmin$", image, flags=re.M)
    assert "HEALTHCHECK" in image
    assert {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"tests"} <= copied
    assert {"templates", "static", "manage.py", "requirements.txt"} <= copied


def test_ci_runs_the_one_check_embedded_and_on_servers():
    jobs = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text())["jobs"]

    assert [job["steps"][-1] for job in jobs.values()] == [{"run": "make test test-long"}] * 2
    assert jobs["servers"]["env"].keys() == {"MONGODB_URL", "QDRANT_URL"}
    assert (CHECKOUT / ".ci/run").read_text().rstrip().endswith("exec make test test-long")

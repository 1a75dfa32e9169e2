"""The queue over each of its brokers: a run goes from its command to its end."""

import os
import pwd
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.e2e.product import Product
from tests.labelled import FACES, needs_labelled_photos
from tests.stores import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.long, needs_labelled_photos]

PERSON = "Ariel_Sharon"


@pytest.fixture
def postgres(tmp_path_factory):
    """The URL of a PostgreSQL server of this test's own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs or not has_account("postgres"):
        pytest.skip("PostgreSQL is not installed, so its broker cannot be tried")
    # PostgreSQL refuses to run as root, and its account may not see this user's folders.
    made = subprocess.check_output(["mktemp", "-d"], text=True, cwd="/", **AS_POSTGRES)
    folder = Path(made.strip())
    port = free_port()

    def pg_ctl(*arguments):
        subprocess.run(
            [programs[-1], "-D", folder / "data", "-w", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **AS_POSTGRES,
        )

    pg_ctl("initdb", "-o", "--auth=trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    pg_ctl("-l", folder / "log", "-o", options, "start")
    yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    pg_ctl("-m", "immediate", "stop")
    shutil.rmtree(folder)


AS_POSTGRES = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


def has_account(name):
    if os.geteuid() != 0:
        return True
    return name in {account.pw_name for account in pwd.getpwall()}


def people_found(folder, models, **settings):
    photos = folder / "buckets" / "faces" / "few"
    shutil.copytree(FACES / "lfw10" / PERSON, photos)
    with Product(
        folder, BUCKETS_ROOT=folder / "buckets", FACEADMIN_MODELS=models, **settings
    ).up() as product:
        return product.cluster("faces/few")["stats"]["total_images"]


def test_tasks_travel_through_mongodb(mongodb_url, model_files, tmp_path):
    settings = {"MONGODB_URL": mongodb_url, "DATABASE_NAME": f"test_{uuid.uuid4().hex[:12]}"}

    assert people_found(tmp_path, model_files, FACEADMIN_QUEUE="mongodb", **settings) == 10


def test_tasks_and_logins_live_in_postgresql(postgres, model_files, tmp_path):
    assert people_found(tmp_path, model_files, DATABASE_URL=postgres) == 10

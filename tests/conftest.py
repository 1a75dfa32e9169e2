"""What every test shares: a data folder of its own, and the real stores for those that ask."""

import os
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

_data = tempfile.mkdtemp(prefix="faceadmin-tests-")
os.environ["FACEADMIN_DATA"] = _data
os.environ.setdefault("FACEADMIN_PORT", "8970")
# The browser's driver keeps an event loop in this thread, which Django takes for a request of it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def django_db_modify_db_settings():
    """Keep accounts and keys in a file: a database in memory knows no waiting for a lock."""
    settings.DATABASES["default"]["TEST"]["NAME"] = str(Path(_data) / "accounts.sqlite3")


pytest_plugins = ("tests.stores", "tests.callers", "tests.models")


def pytest_sessionfinish():
    """Leave nothing behind."""
    import shutil

    shutil.rmtree(Path(_data), ignore_errors=True)

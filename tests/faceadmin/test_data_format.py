"""The format of the data folder: old folders are migrated, newer ones are refused unchanged."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from faceadmin.runtime import data_format
from faceadmin.runtime.data_format import (
    CURRENT,
    FILE,
    MIGRATIONS,
    check_data_format,
    migrate_data,
    read_data_format,
)
from tests.labelled import ROOT


def test_every_format_before_the_current_one_has_a_migration():
    assert sorted(MIGRATIONS) == list(range(CURRENT))


def test_a_folder_without_a_number_is_adopted(tmp_path):
    migrate_data(tmp_path)

    assert read_data_format(tmp_path) == CURRENT
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_is_not_there_is_no_error(tmp_path):
    check_data_format(tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_migrations_run_once_each_in_order(tmp_path, monkeypatch):
    ran = []
    steps = {number: lambda _, number=number: ran.append(number) for number in range(3)}
    monkeypatch.setattr(data_format, "MIGRATIONS", steps)
    monkeypatch.setattr(data_format, "CURRENT", 3)
    (tmp_path / FILE).write_text("1\n")

    migrate_data(tmp_path)
    migrate_data(tmp_path)

    assert ran == [1, 2]
    assert read_data_format(tmp_path) == 3


def test_an_interrupted_migration_goes_on_where_it_failed(tmp_path, monkeypatch):
    ran = []

    def fail_once(_):
        ran.append(1)
        if len(ran) == 2:
            raise OSError("No space left on device")

    steps = {0: lambda _: ran.append(0), 1: fail_once}
    monkeypatch.setattr(data_format, "MIGRATIONS", steps)
    monkeypatch.setattr(data_format, "CURRENT", 2)

    with pytest.raises(OSError, match="No space"):
        migrate_data(tmp_path)
    assert read_data_format(tmp_path) == 1
    migrate_data(tmp_path)

    assert ran == [0, 1, 1]
    assert read_data_format(tmp_path) == 2


@given(newer=st.integers(CURRENT + 1, 10**9))
def test_a_newer_folder_is_refused(tmp_path_factory, newer):
    folder = tmp_path_factory.mktemp("newer")
    (folder / FILE).write_text(f"{newer}\n")

    with pytest.raises(ImproperlyConfigured, match=f"has format {newer}, .* up to {CURRENT}\\."):
        check_data_format(folder)


def test_lines_that_a_later_version_adds_are_passed_over(tmp_path):
    (tmp_path / FILE).write_text(f"{CURRENT + 1}\nversion 9.0\n")

    assert read_data_format(tmp_path) == CURRENT + 1


@pytest.mark.parametrize("content", [b"", b"\n1", b"one", b"-1", b"1.5", b"\xff\xfe", "²".encode()])
def test_a_damaged_number_is_refused(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(ImproperlyConfigured, match="format of the data folder"):
        check_data_format(tmp_path)


@pytest.mark.parametrize(
    "command", ["up", "prepare", "cluster_bucket", "verify_storage", "migrate"]
)
def test_no_command_changes_a_newer_folder(tmp_path, command):
    (tmp_path / FILE).write_text(f"{CURRENT + 1}\n")

    ended = subprocess.run(
        [sys.executable, ROOT / "manage.py", command],
        env={**os.environ, "FACEADMIN_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "written by a newer version of faceadmin" in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == [FILE]

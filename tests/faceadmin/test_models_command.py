"""`manage.py models`: list the models, their files, and verify them."""

import dataclasses
import io
from pathlib import Path

import pytest
from django.core.management import call_command

from faceadmin.runtime.exit_codes import CommandFailed, Exit


@pytest.fixture
def places(settings, tmp_path):
    """Two empty folders: the operator's and the cache."""
    own, cache = tmp_path / "own", tmp_path / "cache"
    own.mkdir()
    settings.VISION = dataclasses.replace(settings.VISION, models=(own,), cache=cache)
    return own


def said_by(*arguments):
    out = io.StringIO()
    call_command("models", *arguments, stdout=out, stderr=out)
    return out.getvalue()


@pytest.mark.usefixtures("places")
def test_the_list_says_how_each_can_be_had():
    listed = said_by("list")

    assert "centerface     detect  can be fetched (MIT)" in listed
    assert "yolov8-lite-t  detect  put it into a folder of FACEADMIN_MODELS" in listed
    assert listed.endswith("There is no current pair yet: fetch one.\n")


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("arguments", [("verify",), ("verify", "centerface")])
def test_what_is_not_at_hand_cannot_be_verified(arguments):
    with pytest.raises(CommandFailed) as ended:
        said_by(*arguments)

    assert ended.value.code == Exit.NOT_FOUND


def test_another_file_of_the_same_name_is_refused(places):
    (places / "centerface.onnx").write_bytes(b"something else")

    assert "its SHA-256 differs" in said_by("list")
    with pytest.raises(CommandFailed) as ended:
        said_by("verify")
    assert ended.value.code == Exit.FAILED


@pytest.mark.usefixtures("places")
def test_an_unknown_model_is_rejected():
    with pytest.raises(CommandFailed, match="There is no model 'facenet'; known are") as ended:
        said_by("fetch", "facenet")

    assert ended.value.code == Exit.NONSENSE


@pytest.mark.services
def test_the_right_file_is_said_to_be_right(settings, model_files, tmp_path):
    folders = tuple(Path(one) for one in model_files.split(":"))
    settings.VISION = dataclasses.replace(settings.VISION, models=folders, cache=tmp_path)

    said = said_by("verify", "centerface")

    assert said.startswith("centerface: right, and runs: 1x3x640x640 in, ")
    assert (tmp_path / "prepared").is_dir()

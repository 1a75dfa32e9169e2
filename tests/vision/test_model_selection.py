"""Model selection: named models win; auto prefers, falls back, gives the reason, and remembers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.vision.graphs import embedding_graph
from tests.vision.settings import Named, real_model
from vision import report
from vision.errors import DownloadFailed, ModelMissing, ModelRefused
from vision.models import custom, files, selection
from vision.models.catalogue import CATALOGUE, Job
from vision.models.downloads import file_sha256
from vision.models.selection import active_pair, select_models
from vision.report import report_models, verify_model


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A catalogue with models of a few bytes, and an HTTP stub that serves some of them."""
    import hashlib

    small = {
        name: replace(entry, file=f"{name}.onnx", sha256=hashlib.sha256(name.encode()).hexdigest())
        for name, entry in CATALOGUE.items()
    }
    for module in (custom, selection, report):
        monkeypatch.setattr(module, "CATALOGUE", small)
    monkeypatch.setattr(files, "_PREPARATIONS", {})
    return World(tmp_path, monkeypatch)


class World:
    def __init__(self, folder, monkeypatch):
        self.drive, self.cache = folder / "drive", folder / "cache"
        self.served, self.fetched = set(), []
        monkeypatch.setattr(files, "_download", self.download)

    def settings(self, **named):
        return Named(cache=self.cache, models=(self.drive,), **named)

    def put(self, *names, folder=None):
        for name in names:
            ((folder or self.drive) / f"{name}.onnx").parent.mkdir(parents=True, exist_ok=True)
            ((folder or self.drive) / f"{name}.onnx").write_text(name)

    def download(self, entry, target, progress):
        self.fetched.append(entry.id)
        if entry.id not in self.served:
            raise DownloadFailed("no connection")
        self.put(entry.id, folder=self.cache)
        if progress:
            progress(1, 1)


def ids(chosen):
    return f"{chosen.detector}+{chosen.embedder}"


def test_the_preferred_pair_is_taken_when_it_is_at_hand(world):
    world.put("yolov8n-face", "facenet512", "centerface", "dlib-resnet")

    chosen = select_models(world.settings(), may_fetch=True)

    assert ids(chosen) == "yolov8n-face+facenet512"
    assert world.fetched == []


def test_the_preferred_pair_is_fetched_when_it_can_be(world):
    world.put("facenet512")
    world.served = {"yolov8n-face"}
    told = []

    chosen = select_models(
        world.settings(), may_fetch=True, progress=lambda *done: told.append(done)
    )

    assert ids(chosen) == "yolov8n-face+facenet512"
    assert world.fetched == ["yolov8n-face"]
    assert told == [(1, 1)]


def test_what_a_package_index_has_is_taken_otherwise_and_why_is_said(world):
    world.put("yolov8n-face")
    world.served = {"centerface", "dlib-resnet"}

    chosen = select_models(world.settings(), may_fetch=True)

    assert ids(chosen) == "centerface+dlib-resnet"
    assert chosen.why == (
        "The weights of facenet512 are not installed and could not be fetched, "
        "so the models that install from a package index are used."
    )


def test_nothing_is_fetched_unless_it_may_be(world):
    world.served = set(CATALOGUE)

    with pytest.raises(ModelMissing, match="models fetch"):
        active_pair(world.settings())

    assert world.fetched == []


def test_a_choice_that_failed_is_not_remembered(world):
    with pytest.raises(DownloadFailed):
        select_models(world.settings(), may_fetch=True)

    world.put("yolov8n-face", "facenet512")
    assert ids(select_models(world.settings(), may_fetch=True)) == "yolov8n-face+facenet512"


def test_what_auto_chose_stays(world):
    world.put("centerface", "dlib-resnet")
    first = select_models(world.settings(), may_fetch=True)

    world.put("yolov8n-face", "facenet512")
    world.fetched.clear()
    again = select_models(world.settings(), may_fetch=True)

    assert again == first
    assert active_pair(world.settings()) == first
    assert world.fetched == []


def test_a_remembered_model_that_was_lost_is_fetched_again(world):
    world.served = {"centerface", "dlib-resnet"}
    select_models(world.settings(), may_fetch=True)
    (world.cache / "dlib-resnet.onnx").unlink()

    with pytest.raises(ModelMissing, match="dlib-resnet"):
        active_pair(world.settings())

    assert ids(select_models(world.settings(), may_fetch=True)) == "centerface+dlib-resnet"


def test_named_models_win_over_what_auto_chose(world):
    world.put("centerface", "dlib-resnet", "yolov8-lite-t", "facenet512")
    select_models(world.settings(), may_fetch=False)

    named = world.settings(detector="yolov8-lite-t", embedder="facenet512")

    assert ids(active_pair(named)) == "yolov8-lite-t+facenet512"
    assert active_pair(named).why == "Both models are named in the settings."
    assert ids(active_pair(world.settings())) == "centerface+dlib-resnet"


def test_one_named_model_leaves_the_other_to_auto(world):
    world.put("centerface", "dlib-resnet", "facenet512", "yolov8-lite-t")

    chosen = select_models(world.settings(detector="yolov8-lite-t"), may_fetch=False)

    assert ids(chosen) == "yolov8-lite-t+facenet512"
    assert chosen.why.startswith("The model to detect is named in the settings.")


def test_one_named_model_wins_over_what_auto_chose(world):
    world.put("centerface", "dlib-resnet", "yolov8-lite-t")
    select_models(world.settings(), may_fetch=False)

    assert ids(active_pair(world.settings(detector="yolov8-lite-t"))) == (
        "yolov8-lite-t+dlib-resnet"
    )


def test_a_half_that_was_chosen_stays_when_the_other_is_left_to_auto_too(world):
    world.put("centerface", "dlib-resnet")
    select_models(world.settings(detector="centerface"), may_fetch=False)
    world.put("yolov8n-face", "facenet512")

    assert ids(select_models(world.settings(), may_fetch=False)) == "yolov8n-face+dlib-resnet"
    assert ids(active_pair(world.settings())) == "yolov8n-face+dlib-resnet"


def test_the_first_of_two_choices_wins(world):
    world.put("centerface", "dlib-resnet")
    select_models(world.settings(), may_fetch=False)
    noted = (world.cache / "pair.json").read_text()
    part = world.cache / "late.json"
    part.write_text("{}")

    selection._link(part, world.cache / "pair.json")

    assert (world.cache / "pair.json").read_text() == noted


def test_a_refused_file_is_refused_by_auto_too(world):
    world.put("yolov8n-face", "centerface", "dlib-resnet")
    (world.drive / "facenet512.onnx").write_text("another model")

    with pytest.raises(ModelRefused, match="facenet512"):
        select_models(world.settings(), may_fetch=False)


@pytest.mark.parametrize("noted", ["{", "[]", json.dumps({"detect": "gone", "embed": "gone"})])
def test_a_damaged_choice_is_not_guessed(world, noted):
    world.cache.mkdir()
    (world.cache / "pair.json").write_text(noted)

    with pytest.raises(ModelRefused, match=r"pair\.json"):
        active_pair(world.settings())


@pytest.mark.parametrize("name", ["nonsense", "dlib-resnet", "/no/such/file.onnx"])
def test_a_name_that_is_no_detector_is_refused_with_those_that_are(world, name):
    with pytest.raises(ModelMissing, match="centerface"):
        active_pair(world.settings(detector=name, embedder="dlib-resnet"))


def test_an_own_file_is_known_by_its_digest(world, tmp_path):
    own = tmp_path / "My Model.v2.onnx"
    own.write_bytes(b"own")
    world.put("centerface")

    chosen = active_pair(world.settings(detector="centerface", embedder=str(own)))

    assert chosen.embedder.id.startswith("my-model-v2-")
    assert chosen.embedder.id.endswith(chosen.embedder.sha256[:12])
    assert (chosen.embedder.file, chosen.embedder.dimension) == (str(own), 0)


def test_an_own_file_that_is_a_known_model_is_that_model(world, tmp_path):
    world.put("centerface")
    own = tmp_path / "renamed.onnx"
    own.write_text("dlib-resnet")

    chosen = active_pair(world.settings(detector="centerface", embedder=str(own)))

    assert chosen.embedder.id == "dlib-resnet"
    assert Path(chosen.embedder.file) == own


def test_the_report_has_a_row_for_every_model(world):
    world.put("centerface", "dlib-resnet")
    (world.drive / "facenet512.onnx").write_text("another model")
    named = world.settings(detector="centerface", embedder="dlib-resnet")

    rows = {row.id: row for row in report_models(named)}

    assert set(rows) == set(CATALOGUE)
    assert {row.id for row in rows.values() if row.is_active} == {"centerface", "dlib-resnet"}
    assert rows["centerface"].is_sound
    assert rows["yolov8n-face"].path is None
    assert "SHA-256" in rows["facenet512"].trouble
    assert rows["dlib-resnet"].job is Job.EMBED


@pytest.mark.parametrize("shape", [["n", 3, 160, 160], [1, 112, 112, 3]])
def test_verifying_runs_an_own_model_once(tmp_path, shape):
    own = tmp_path / "own.onnx"
    own.write_bytes(embedding_graph(shape, 128))
    settings = Named(cache=tmp_path / "cache", detector="centerface", embedder=str(own))
    (row,) = [row for row in report_models(settings) if row.id.startswith("own-")]

    found = verify_model(row.id, settings)

    assert found.outputs == ((1, 128),)
    assert found.given_input == (1, *shape[1:])


def test_verifying_runs_a_real_model_once(tmp_path):
    prepared = real_model("centerface", tmp_path)
    (tmp_path / "own").mkdir()
    shutil.copy(prepared, tmp_path / "own" / "freed.onnx")
    settings = Named(cache=tmp_path, detector=str(tmp_path / "own" / "freed.onnx"))

    found = verify_model(str(tmp_path / "own" / "freed.onnx"), settings)

    assert found.outputs[0] == (1, 1, 160, 160)
    assert found.sha256 == file_sha256(prepared)
    assert found.licence == "the operator's own file"


def test_an_own_file_that_a_detector_cannot_be_is_refused(tmp_path):
    own = tmp_path / "own.onnx"
    own.write_bytes(embedding_graph(["n", 3, 64, 64], 8))
    settings = Named(cache=tmp_path, detector=str(own))
    (row,) = [row for row in report_models(settings) if row.id.startswith("own-")]

    with pytest.raises(ModelRefused, match="no YOLOv8 face detector"):
        verify_model(row.id, settings)


def test_verifying_an_unknown_model_fails(tmp_path):
    with pytest.raises(ModelMissing, match="centerface"):
        verify_model("nonsense", Named(cache=tmp_path))

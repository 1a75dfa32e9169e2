"""The operator's own files from end to end: a plain YOLOv8 head and a FaceNet, drawn small."""

import io
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vision.graphs import embedding_graph
from tests.vision.test_detectors import brightness_graph
from vision import EngineSettings, ModelMissing, get_engine

ROOT = Path(__file__).resolve().parents[2]
CREAM = (255, 250, 245)  # a grey would be nothing once it is standardised


@pytest.fixture
def own_settings(tmp_path):
    """Return settings that name a detector and an embedder of the operator's."""

    def made(shape=("n", 3, 160, 160), dimension=512):
        detector, embedder = tmp_path / "Our YOLO.onnx", tmp_path / "our_facenet.onnx"
        brightness_graph(detector, ("batch", 3, 640, 640))
        embedder.write_bytes(embedding_graph(list(shape), dimension))
        return EngineSettings(
            detector=str(detector), embedder=str(embedder), cache=tmp_path / "cache"
        )

    return made


def photo(colour, size=(640, 640)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("shape", [("n", 3, 160, 160), ("n", 160, 160, 3), (1, 160, 160, 3)])
@pytest.mark.parametrize("dimension", [128, 512])
def test_faces_are_found_and_embedded_by_own_files(own_settings, shape, dimension):
    engine = get_engine(own_settings(shape, dimension))
    images = [engine.decode(photo(colour)) for colour in (CREAM, (255, 230, 200), "black")]

    first, second, none = engine.faces(images)

    assert [len(first), len(second), len(none)] == [1, 1, 0]
    assert first[0].bbox == pytest.approx((270, 295, 100, 50), abs=0.01)
    assert first[0].confidence == pytest.approx(250 / 255, abs=5e-3)
    assert first[0].landmarks is None
    assert first[0].vector.shape == (engine.dimension,) == (dimension,)
    assert np.linalg.norm(first[0].vector) == pytest.approx(1, abs=1e-5)
    assert first[0].reason == "too_blurry"


def test_own_models_are_named_with_their_digest(own_settings):
    engine = get_engine(own_settings())

    assert engine.detector_id.startswith("our-yolo-")
    assert engine.embedder_id.startswith("our-facenet-")
    assert engine.embedder_id.endswith(engine.entry.sha256[:12])
    assert engine.entry.dimension == 512
    assert 0 < engine.entry.same_person_threshold < 1


def test_an_own_file_that_is_gone_is_missing(own_settings):
    settings = own_settings()
    Path(settings.embedder).unlink()

    with pytest.raises(ModelMissing, match="our_facenet"):
        get_engine(settings)


def test_a_forked_worker_finds_the_same_faces(own_settings, tmp_path):
    settings = own_settings()
    (tmp_path / "photo.png").write_bytes(photo(CREAM))
    script = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from vision import EngineSettings, get_engine

        detector, embedder, cache, photo = sys.argv[1:]
        settings = EngineSettings(detector, embedder, cache=Path(cache), threads=2)

        def vector():
            engine = get_engine(settings)
            ((face,),) = engine.faces([engine.decode(Path(photo).read_bytes())])
            return face.vector.tobytes()

        before = vector()
        child = os.fork()
        if child == 0:
            sys.exit(0 if vector() == before else 1)
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status))
        """
    )

    places = map(
        str, (settings.detector, settings.embedder, settings.cache, tmp_path / "photo.png")
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *places], cwd=ROOT, timeout=60, check=False
    )

    assert done.returncode == 0

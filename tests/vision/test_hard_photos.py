"""The engine on extreme photos and boxes; with stub models."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from vision import EngineSettings, ImageLimits, ImageTooLarge, ModelPair
from vision.detectors import Detection
from vision.embedders.dlib_resnet import DlibEmbedder
from vision.engine import WORKING_SIDE, FaceEngine
from vision.models.catalogue import CATALOGUE

POINTS = np.float32([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])
PAIR = ModelPair(CATALOGUE["centerface"], CATALOGUE["dlib-resnet"], "for a test")


class ScriptedDetector:
    """Detector stub with fixed boxes, relative to the photo: x, y, width, height, confidence."""

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, images):
        return [[self._face(image.shape, *face) for face in self.faces] for image in images]

    def _face(self, shape, x, y, width, height, confidence=0.9):
        box = (x * shape[1], y * shape[0], width * shape[1], height * shape[0])
        return Detection(box, (POINTS * box[2:] + box[:2]).astype(np.float32), confidence)


class RealAlignment(DlibEmbedder):
    """Embedder stub: aligns like dlib, returns the mean colour, and records its source images."""

    def __init__(self):
        super().__init__(CATALOGUE["dlib-resnet"], SimpleNamespace())
        self.widths = []

    def align(self, pixels, box, landmarks):
        self.widths.append(pixels.shape[1])
        return super().align(pixels, box, landmarks)

    def embed(self, crops):
        means = crops.reshape(len(crops), -1, 3).mean(axis=1) + 1e-3
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def engine_of(*faces, **options):
    settings = EngineSettings(**options)
    return FaceEngine(ScriptedDetector(*faces), RealAlignment(), pair=PAIR, settings=settings)


def photo(width, height, kind="JPEG"):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2), (7, 5)])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (-1, -1, 3, 3), (0.4, 0.4, 0.1, 0.1)])
def test_the_smallest_photos_have_no_face_worth_keeping(size, box):
    engine = engine_of(box)

    (found,) = engine.faces([engine.decode(photo(*size, "PNG"))])

    assert all(face.reason == "too_small" for face in found)


def test_a_photo_of_fifty_megapixels_is_read_small():
    blank = io.BytesIO()
    Image.new("L", (8660, 5774), 128).save(blank, "JPEG")
    engine = engine_of((0.3, 0.3, 0.3, 0.4))

    image = engine.decode(blank.getvalue())
    ((face,),) = engine.faces([image])

    assert max(image.pixels.shape) < 2 * WORKING_SIDE
    assert face.bbox == pytest.approx((2598, 1732, 2598, 2310), abs=4)  # shares of 8 px columns
    assert face.crop.shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("share", "width"), [(0.2, 1000), (0.065, 2000), (0.045, 4000), (0.02, 4000)]
)
def test_a_kept_face_gets_its_pixels_and_no_more(share, width):
    engine = engine_of((0.2, 0.2, share, 2 * share), (0.5, 0.2, 0.3, 0.6))

    engine.faces([engine.decode(photo(4000, 2000))])

    assert set(engine._embedder.widths) == {width}


@pytest.mark.parametrize("face", [(0.2, 0.2, 0.006, 0.012), (0.2, 0.2, 0.02, 0.04, 0.3)])
def test_a_face_that_is_refused_anyway_costs_no_second_decoding(face):
    engine = engine_of(face)

    ((found,),) = engine.faces([engine.decode(photo(4000, 2000))])

    assert found.reason in {"too_small", "low_confidence"}
    assert engine._embedder.widths == [1000]


@pytest.mark.parametrize("box", [(1.1, 0.1, 0.2, 0.2), (-0.5, 0.1, 0.2, 0.2), (0.5, 0.5, 0, 0)])
def test_a_box_that_shows_nothing_of_the_photo_is_no_face(box):
    engine = engine_of(box)

    assert engine.faces([engine.decode(photo(100, 100))]) == [[]]


def test_landmarks_on_one_spot_or_far_outside_still_give_a_vector():
    class Lost(ScriptedDetector):
        def detect(self, images):
            spots = (np.zeros((5, 2), np.float32), np.full((5, 2), 9e4, np.float32), POINTS * -1e5)
            return [[Detection((20, 20, 50, 50), spot, 0.9) for spot in spots] for _ in images]

    engine = FaceEngine(Lost(), RealAlignment(), pair=PAIR, settings=EngineSettings())

    (found,) = engine.faces([engine.decode(photo(100, 100))])

    assert len(found) == 3
    assert all(np.linalg.norm(face.vector) == pytest.approx(1, abs=1e-5) for face in found)


def test_limits_of_the_settings_hold():
    engine = engine_of(limits=ImageLimits(max_side=100))

    with pytest.raises(ImageTooLarge):
        engine.decode(photo(101, 50))

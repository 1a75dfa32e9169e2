"""The engine: original pixels, sufficient resolution, one order; with stub models."""

import io
import os
import threading

import cv2
import numpy as np
import pytest
from PIL import Image

from vision import EngineSettings, ModelMissing, ModelPair, QualityThresholds, get_engine
from vision.crops import box_pixels, face_crop
from vision.detectors import Detection
from vision.engine import FaceEngine
from vision.images import ImageLimits
from vision.models.catalogue import CATALOGUE

PAIR = ModelPair(CATALOGUE["centerface"], CATALOGUE["dlib-resnet"], "The test says so.")
LIMITS = ImageLimits(max_bytes=20_000_000, max_pixels=30_000_000, max_side=8_000)
SETTINGS = EngineSettings(limits=LIMITS, thresholds=QualityThresholds(30, 0.4, 50))


class WhiteSpots:
    """Detector stub: finds white rectangles; the red value is the confidence."""

    def __init__(self, *, has_landmarks=True):
        self.has_landmarks = has_landmarks
        self.calls = []

    def detect(self, images):
        self.calls.append([image.shape for image in images])
        return [list(self._faces(image)) for image in images]

    def _faces(self, image):
        bright = (image[..., 1] > 128).astype(np.uint8)
        _, _, found, _ = cv2.connectedComponentsWithStats(bright)
        for x, y, width, height, _ in found[1:].tolist():
            points = np.float32([[x, y]]) + np.float32([[width, height]]) * FEATURES
            confidence = float(image[y + height // 2, x + width // 2, 0]) / 255
            yield Detection(
                (x, y, width, height), points if self.has_landmarks else None, confidence
            )


FEATURES = np.float32([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])


class MeanColours:
    """Embedder stub: returns the direction of the mean colour, and records its inputs."""

    entry = CATALOGUE["dlib-resnet"]
    dimension = 3
    side = 150

    def __init__(self):
        self.aligned = []
        self.calls = []

    def align(self, pixels, box, landmarks):
        self.aligned.append((pixels.shape, box, landmarks))
        return cv2.resize(np.ascontiguousarray(box_pixels(pixels, box)), (150, 150))

    def embed(self, crops):
        self.calls.append(len(crops))
        means = crops.reshape(len(crops), -1, 3).mean(axis=1) + 1e-3
        return (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)


def engine_of(settings=SETTINGS, **options):
    detector, embedder = WhiteSpots(**options), MeanColours()
    return FaceEngine(detector, embedder, pair=PAIR, settings=settings), detector, embedder


def photo(width, height, *spots, kind="JPEG", **options):
    """Return a file with a bright rectangle (x, y, w, h, colour) per face, each with a stripe."""
    pixels = np.full((height, width, 3), 10, np.uint8)
    for x, y, w, h, colour in spots:
        pixels[y : y + h, x : x + w] = colour
        rows = slice(y + h // 4, y + h // 3)
        pixels[rows, x + w // 4 : x + 3 * w // 4] = (colour[0], 200, 0)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **({"quality": 95} | options))
    return out.getvalue()


WHITE = (255, 255, 255)
PALE = (200, 250, 250)


def test_the_engine_names_its_models():
    engine, *_ = engine_of()

    assert engine.model == "centerface+dlib-resnet"
    assert (engine.detector_id, engine.embedder_id) == ("centerface", "dlib-resnet")
    assert engine.entry.cluster_eps == CATALOGUE["dlib-resnet"].cluster_eps
    assert engine.dimension == 3
    assert engine.pair is PAIR


def test_faces_are_in_pixels_of_the_original():
    engine, detector, _ = engine_of()
    image = engine.decode(photo(4000, 3000, (1200, 800, 800, 1000, WHITE)))

    [[face]] = engine.faces([image])

    assert image.scale == 0.25
    assert detector.calls == [[(750, 1000, 3)]]
    assert face.bbox == pytest.approx((1200, 800, 800, 1000), abs=8)
    assert face.landmarks == pytest.approx((1200, 800) + FEATURES * (800, 1000), abs=8)
    assert face.landmarks.dtype == np.float32
    assert face.quality.size == pytest.approx(800, abs=8)
    assert face.reason is None


def test_a_large_face_is_cut_from_the_reduced_photo():
    engine, _, embedder = engine_of()

    engine.faces([engine.decode(photo(4000, 3000, (1200, 800, 800, 1000, WHITE)))])

    assert embedder.aligned[0][0] == (750, 1000, 3)


def test_a_small_face_is_cut_from_as_many_pixels_as_the_embedder_needs():
    engine, detector, embedder = engine_of()
    data = photo(4000, 3000, (1200, 800, 280, 300, WHITE), (2800, 800, 800, 1000, WHITE))

    [faces] = engine.faces([engine.decode(data)])

    assert detector.calls == [[(750, 1000, 3)]]
    assert [shape for shape, *_ in embedder.aligned] == [(1500, 2000, 3)] * 2
    small = min(faces, key=lambda face: face.quality.size)
    assert small.bbox == pytest.approx((1200, 800, 280, 300), abs=8)
    box = embedder.aligned[faces.index(small)][1]
    assert box == pytest.approx((600, 400, 140, 150), abs=4)
    assert small.crop.shape == (240, 240, 3)


def test_a_face_too_small_to_be_kept_costs_no_second_decoding():
    engine, _, embedder = engine_of()

    [[face]] = engine.faces([engine.decode(photo(4000, 3000, (1200, 800, 24, 24, WHITE)))])

    assert embedder.aligned[0][0] == (750, 1000, 3)
    assert face.reason == "too_small"


def test_a_rejected_face_still_has_a_vector():
    engine, *_ = engine_of()

    [[face]] = engine.faces([engine.decode(photo(400, 300, (50, 50, 20, 20, PALE)))])

    assert face.reason == "too_small"
    assert np.linalg.norm(face.vector) == pytest.approx(1)
    assert face.vector.dtype == np.float32


def test_faces_of_several_photos_are_embedded_in_one_call_and_keep_their_places():
    engine, detector, embedder = engine_of()
    photos = [
        photo(400, 300, (50, 50, 80, 80, WHITE), (200, 50, 80, 80, PALE)),
        photo(400, 300),
        photo(300, 300, (20, 20, 90, 90, PALE)),
    ]

    found = engine.faces([engine.decode(data) for data in photos])

    assert [len(faces) for faces in found] == [2, 0, 1]
    assert len(detector.calls) == 1
    assert embedder.calls == [3]
    assert found[0][1].vector == pytest.approx(found[2][0].vector, abs=0.03)
    assert found[0][0].vector[0] > found[0][1].vector[0]


def test_nothing_in_gives_nothing_out():
    engine, _, embedder = engine_of()

    assert engine.faces([]) == []
    assert engine.faces([engine.decode(photo(300, 200))]) == [[]]
    assert embedder.calls == []


def test_the_most_confident_face_comes_first_and_ties_go_from_left_to_right():
    engine, *_ = engine_of()
    spots = [(300, 20, 60, 60, WHITE), (20, 150, 60, 60, PALE), (150, 30, 60, 60, WHITE)]

    [faces] = engine.faces([engine.decode(photo(400, 300, *spots, kind="PNG"))])

    assert [round(face.bbox[0]) for face in faces] == [150, 300, 20]


def test_a_box_is_clipped_to_the_photo():
    class Wide(WhiteSpots):
        def detect(self, images):
            return [[Detection((-20.0, -10.0, 100.0, 90.0), None, 0.9)] for _ in images]

    engine = FaceEngine(Wide(), MeanColours(), pair=PAIR, settings=SETTINGS)

    [[face]] = engine.faces([engine.decode(photo(60, 200))])

    assert face.bbox == (0, 0, 60, 80)
    assert face.landmarks is None
    assert face.quality.pose == 1.0


def test_a_rotated_photo_is_reported_upright():
    engine, *_ = engine_of()
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying: to be turned clockwise

    [[face]] = engine.faces([engine.decode(photo(400, 300, (20, 30, 90, 60, WHITE), exif=exif))])

    assert face.bbox == pytest.approx((300 - 30 - 60, 20, 60, 90), abs=2)


@pytest.mark.parametrize(
    ("box", "side"),
    [((100, 80, 50, 40), 80), ((100, 50, 200, 300), 256), ((-30, -30, 90, 90), 103)],
)
def test_a_crop_is_a_square_with_a_margin_of_at_most_256(box, side):
    crop = face_crop(np.full((400, 500, 3), 7, np.uint8), tuple(map(float, box)))

    assert crop.shape == (side, side, 3)
    assert crop.dtype == np.uint8
    assert (crop == 7).all()


def test_a_crop_shows_the_face_in_its_middle():
    pixels = np.zeros((400, 500, 3), np.uint8)
    pixels[100:180, 200:280] = 255

    crop = face_crop(pixels, (200.0, 100.0, 80.0, 80.0))

    assert crop.shape == (128, 128, 3)
    assert (crop[24:104, 24:104] == 255).all()
    assert crop[:24].max() == 0


def test_an_engine_without_models_says_how_to_get_them(tmp_path):
    with pytest.raises(ModelMissing):
        get_engine(EngineSettings(detector="centerface", embedder="dlib-resnet", cache=tmp_path))

    assert list(tmp_path.rglob("*.onnx")) == []


def fake_opener(monkeypatch):
    opened = []

    def open_engine(settings):
        opened.append(settings)
        return engine_of(settings)[0]

    monkeypatch.setattr("vision.engine._engine_open", open_engine)
    return opened


def test_threads_share_one_engine_for_equal_settings(monkeypatch, tmp_path):
    opened = fake_opener(monkeypatch)
    gate, engines = threading.Barrier(6), []

    def ask():
        gate.wait(10)
        engines.append(get_engine(EngineSettings(cache=tmp_path)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(set(map(id, engines))) == 1
    assert len(opened) == 1
    assert get_engine(EngineSettings(cache=tmp_path, threads=2)) is not engines[0]


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_while_another_thread_opens_an_engine_does_not_hang(monkeypatch, tmp_path):
    opening, done = threading.Event(), threading.Event()

    def open_slowly(settings):
        opening.set()
        done.wait(20)
        return engine_of(settings)[0]

    monkeypatch.setattr("vision.engine._engine_open", open_slowly)
    thread = threading.Thread(target=get_engine, args=[EngineSettings(cache=tmp_path)])
    thread.start()
    opening.wait(10)
    child = os.fork()
    if child == 0:
        monkeypatch.setattr("vision.engine._engine_open", lambda settings: engine_of(settings)[0])
        get_engine(EngineSettings(cache=tmp_path / "other"))
        os._exit(7)
    _, status = os.waitpid(child, 0)
    done.set()
    thread.join(10)

    assert os.waitstatus_to_exitcode(status) == 7

"""Labelled photos become people: found, kept by the default thresholds, and told apart."""

import functools

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from tests.labelled import FACES, labels_of, needs_labelled_photos, pairwise_scores
from tests.vision.settings import MODELS, real_model
from vision import EngineSettings, get_engine

EPS = 0.065  # cosine distance
DETECTORS = ("yolov8-lite-t", "centerface")
FOLDERS = ("lfw10", "sitcom", "celebrities")
CHUNK = 8

pytestmark = needs_labelled_photos


@pytest.fixture(scope="module")
def engine_for(tmp_path_factory):
    cache = tmp_path_factory.mktemp("models")

    def opened(detector):
        for name in (detector, "dlib-resnet"):
            real_model(name, cache)
        return get_engine(
            EngineSettings(
                detector=detector, embedder="dlib-resnet", models=MODELS, cache=cache, threads=2
            )
        )

    return opened


@functools.cache
def faces_of(engine, folder):
    """Return (path, face) for each face of a folder's photos."""
    kinds = {".jpg", ".jpeg", ".png"}
    paths = sorted(path for path in (FACES / folder).rglob("*") if path.suffix.lower() in kinds)
    faces = []
    for first in range(0, len(paths), CHUNK):
        chunk = paths[first : first + CHUNK]
        found = engine.faces([engine.decode(path.read_bytes()) for path in chunk])
        faces += [
            (path.relative_to(FACES).as_posix(), face)
            for path, several in zip(chunk, found, strict=True)
            for face in several
        ]
    return faces


def scores(faces, labels):
    """Group the kept faces; a labelled photo whose face was refused counts as missed."""
    kept = [(path, face) for path, face in faces if face.reason is None]
    vectors = np.stack([face.vector for _, face in kept])
    found = DBSCAN(eps=EPS, min_samples=2, metric="cosine").fit_predict(vectors)
    clusters = [
        {kept[row][0] for row in np.flatnonzero(found == label)} for label in set(found) - {-1}
    ]
    return pairwise_scores(clusters, labels)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_people_of_a_folder_are_told_apart(engine_for, detector, folder):
    precision, recall = scores(faces_of(engine_for(detector), folder), labels_of(folder))

    assert precision >= 0.98
    assert recall >= 0.90


@pytest.mark.parametrize("detector", DETECTORS)
def test_people_of_all_folders_together_are_told_apart(engine_for, detector):
    engine = engine_for(detector)
    faces = [pair for folder in FOLDERS for pair in faces_of(engine, folder)]
    labels = {path: name for folder in FOLDERS for path, name in labels_of(folder).items()}

    precision, recall = scores(faces, labels)

    assert precision >= 0.98
    assert recall >= 0.95


@pytest.mark.parametrize("detector", DETECTORS)
def test_default_thresholds_keep_the_person_of_every_labelled_photo(engine_for, detector):
    engine = engine_for(detector)

    kept = {path for name in FOLDERS for path, face in faces_of(engine, name) if not face.reason}

    assert {path for folder in FOLDERS for path in labels_of(folder)} - kept == set()


@pytest.mark.parametrize("detector", DETECTORS)
def test_one_face_is_found_in_crops_that_the_face_fills(engine_for, detector):
    faces = [path for path, _ in faces_of(engine_for(detector), "sitcom") if "group" not in path]

    assert sorted(faces) == sorted(labels_of("sitcom"))


@pytest.mark.parametrize("detector", DETECTORS)
def test_faces_are_whole_and_within_their_photo(engine_for, detector):
    engine = engine_for(detector)

    for _, face in faces_of(engine, "lfw10"):
        x, y, width, height = face.bbox
        assert min(x, y) >= 0
        assert max(x + width, y + height) <= 250
        assert face.landmarks.shape == (5, 2)
        assert np.linalg.norm(face.vector) == pytest.approx(1, abs=1e-5)
        assert face.vector.shape == (engine.dimension,)
        assert face.crop.shape[0] == face.crop.shape[1] <= 256


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_photo_gives_the_same_faces_alone_and_among_others(engine_for, detector):
    engine = engine_for(detector)
    photos = [
        path.read_bytes() for path in sorted((FACES / "lfw10" / "Colin_Powell").iterdir())[:3]
    ]

    together = engine.faces([engine.decode(data) for data in photos])
    alone = [engine.faces([engine.decode(data)])[0] for data in photos]

    for several, single in zip(together, alone, strict=True):
        assert len(several) == len(single)
        for one, other in zip(several, single, strict=True):
            assert one.vector == pytest.approx(other.vector, abs=1e-4)

"""Face engine: detect, measure quality, align and embed, batched across photos.

One engine per process and settings, opened on first use; it never downloads anything.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.crops import box_pixels, face_crop
from vision.detectors import Detection, Detector, make_detector
from vision.embedders import Embedder, make_embedder
from vision.geometry import Box, clip_box, scale_box
from vision.images import DecodedImage, ImageLimits, decode_image, image_at_scale
from vision.models.catalogue import ModelEntry
from vision.models.files import model_path
from vision.models.selection import AUTO, ModelPair, active_pair
from vision.models.sessions import open_session
from vision.quality import FaceQuality, QualityThresholds, face_quality, rejection_reason

# Minimum px of the longer side of a decoded photo: the input size of the detectors. 1.9 MP at half
# the size: 3 ms of decoding instead of 6, and a quarter of the pixels to resize and crop.
WORKING_SIDE = 640
FACE_SHARE = 0.8  # share of the embedder's crop covered by the face box: 0.71 dlib, 0.83 FaceNet
LEAST_SIDE = 2.0  # px of the original: smaller boxes contain no face


@dataclass(frozen=True)
class EngineSettings:
    """Models and their locations, threads per model, and limits of photos and faces."""

    detector: str = AUTO
    embedder: str = AUTO
    models: tuple[Path, ...] = ()
    cache: Path = Path("var/models")
    threads: int = 1
    detector_confidence: float | None = None  # minimum of a detection; None: detector's default
    limits: ImageLimits = field(default_factory=ImageLimits)
    thresholds: QualityThresholds = field(default_factory=QualityThresholds)


@dataclass(frozen=True, eq=False)
class DetectedFace:
    """A face: box and landmarks (5, 2) in pixels of the upright original, unit vector (d,), crop.

    ``reason`` is the quality threshold that it fails, None if it passes; the vector is always set.
    """

    bbox: Box
    landmarks: NDArray[np.float32] | None
    confidence: float
    quality: FaceQuality
    reason: str | None
    vector: NDArray[np.float32]
    crop: NDArray[np.uint8]


class FaceEngine:
    """A detector combined with an embedder. Thread-safe."""

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        *,
        pair: ModelPair,
        settings: EngineSettings,
    ) -> None:
        self.settings = settings
        self.pair = pair
        self._detector = detector
        self._embedder = embedder

    @property
    def detector_id(self) -> str:
        """Return the id of the detector."""
        return self.pair.detector.id

    @property
    def embedder_id(self) -> str:
        """Return the id of the embedder, which determines vectors and thresholds."""
        return self._embedder.entry.id

    @property
    def model(self) -> str:
        """Return the id of the pair of models, ``detector+embedder``."""
        return f"{self.detector_id}+{self.embedder_id}"

    @property
    def dimension(self) -> int:
        """Return the dimension of the vectors."""
        return self._embedder.dimension

    @property
    def entry(self) -> ModelEntry:
        """Return the catalogue entry of the embedder, with its thresholds."""
        return self._embedder.entry

    def decode(self, data: bytes) -> DecodedImage:
        """Decode a photo within the limits, at the resolution that detection needs."""
        return decode_image(data, limits=self.settings.limits, working_side=WORKING_SIDE)

    def faces(self, images: Sequence[DecodedImage]) -> list[list[DetectedFace]]:
        """Return the faces of each photo by descending confidence, then from left to right."""
        found = self._detector.detect([image.pixels for image in images])
        seen = [
            self._look(image, detections) for image, detections in zip(images, found, strict=True)
        ]
        aligned = [face.aligned for faces in seen for face in faces]
        if not aligned:
            return [[] for _ in images]
        vectors = iter(self._embedder.embed(np.stack(aligned)))
        return [[self._detected(face, next(vectors)) for face in faces] for faces in seen]

    def _look(self, image: DecodedImage, detections: Sequence[Detection]) -> list[_Seen]:
        """Measure and crop the faces of one photo, decoded again if they need more pixels."""
        faces = [_Placed.of(detection, image) for detection in detections]
        faces = [face for face in faces if face.size >= LEAST_SIDE]
        faces.sort(key=lambda face: (-face.confidence, face.box))  # deterministic: ids depend on it
        image = image_at_scale(image, scale=self._scale_for(faces), limits=self.settings.limits)
        return [self._see(face, image) for face in faces]

    def _scale_for(self, faces: Sequence[_Placed]) -> float:
        """Return the scale at which no face that passes the thresholds is enlarged to embed it."""
        thresholds = self.settings.thresholds
        sizes = [
            face.size
            for face in faces
            if face.size >= thresholds.min_face_size
            and face.confidence >= thresholds.min_confidence
        ]
        return self._embedder.side * FACE_SHARE / min(sizes) if sizes else 0.0

    def _see(self, face: _Placed, image: DecodedImage) -> _Seen:
        box = scale_box(face.box, image.scale)
        points = None if face.landmarks is None else face.landmarks * np.float32(image.scale)
        return _Seen(
            face=face,
            quality=face_quality(
                box_pixels(image.pixels, box),
                size=face.size,
                confidence=face.confidence,
                landmarks=points,
            ),
            aligned=self._embedder.align(image.pixels, box, points),
            crop=face_crop(image.pixels, box),
        )

    def _detected(self, seen: _Seen, vector: NDArray[np.float32]) -> DetectedFace:
        return DetectedFace(
            bbox=seen.face.box,
            landmarks=seen.face.landmarks,
            confidence=seen.face.confidence,
            quality=seen.quality,
            reason=rejection_reason(seen.quality, self.settings.thresholds),
            vector=vector,
            crop=seen.crop,
        )


def get_engine(settings: EngineSettings) -> FaceEngine:
    """Return this process's engine; raise ModelMissing with the command to fetch the models."""
    with _Engines.lock:
        engine = _Engines.opened.get(settings)
        if engine is None:
            engine = _Engines.opened[settings] = _engine_open(settings)
        return engine


class _Engines:
    lock = threading.Lock()
    opened: dict[EngineSettings, FaceEngine] = {}  # noqa: RUF012 - one registry, never an instance


def _after_fork() -> None:
    _Engines.lock = threading.Lock()  # in the parent another thread may have locked it


os.register_at_fork(after_in_child=_after_fork)


def _engine_open(settings: EngineSettings) -> FaceEngine:
    # OpenCV's own threads do not survive a fork, and photos are decoded in parallel anyway.
    cv2.setNumThreads(1)
    pair = active_pair(settings)
    detector_file, embedder_file = (
        model_path(entry, models=settings.models, cache=settings.cache)
        for entry in (pair.detector, pair.embedder)
    )
    return FaceEngine(
        make_detector(
            pair.detector,
            open_session(detector_file, settings.threads),
            confidence=settings.detector_confidence,
        ),
        make_embedder(pair.embedder, open_session(embedder_file, settings.threads)),
        pair=pair,
        settings=settings,
    )


@dataclass(frozen=True, eq=False)
class _Placed:
    """A detection in pixels of the upright original."""

    box: Box
    landmarks: NDArray[np.float32] | None
    confidence: float

    @classmethod
    def of(cls, detection: Detection, image: DecodedImage) -> _Placed:
        grown = 1 / image.scale
        points = detection.landmarks
        return cls(
            clip_box(scale_box(detection.box, grown), width=image.width, height=image.height),
            None if points is None else points * np.float32(grown),
            float(detection.confidence),
        )

    @property
    def size(self) -> float:
        return min(self.box[2:])


@dataclass(frozen=True, eq=False)
class _Seen:
    """A face with quality and crops, before embedding."""

    face: _Placed
    quality: FaceQuality
    aligned: NDArray[np.uint8]
    crop: NDArray[np.uint8]

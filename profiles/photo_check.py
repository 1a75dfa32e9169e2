"""Enrolment quality check: a photo must show exactly one good face. No Django, no stores."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from profiles.errors import NoFace, PoorFace, SeveralFaces
from vision import DecodedImage, DetectedFace, ModelEntry, QualityThresholds, rejection_reason


class Engine(Protocol):
    """The part of vision's engine that the check uses."""

    @property
    def embedder_id(self) -> str:
        """Name the embedder."""

    @property
    def model(self) -> str:
        """Name the pair of models."""

    @property
    def entry(self) -> ModelEntry:
        """Return the embedder's facts."""

    def decode(self, data: bytes) -> DecodedImage:
        """Decode a photo."""

    def faces(self, images: Sequence[DecodedImage]) -> list[list[DetectedFace]]:
        """Return the faces of each photo."""


@dataclass(frozen=True, eq=False)
class CheckedPhoto:
    """A photo with its one good face, the checks it passed and the models that read it.

    ``digest`` is the SHA-256 of the file; ``same_person_threshold`` is the embedder's.
    """

    face: DetectedFace
    checks: list[str]
    digest: str
    data: bytes
    width: int
    height: int
    embedder: str
    model: str
    same_person_threshold: float


def check_photo(data: bytes, *, engine: Engine, thresholds: QualityThresholds) -> CheckedPhoto:
    """Return the photo with its one good face; raise NoFace, SeveralFaces or PoorFace otherwise."""
    image = engine.decode(data)
    [faces] = engine.faces([image])
    good = [face for face in faces if rejection_reason(face.quality, thresholds) is None]
    if len(good) != 1:
        _refuse(faces, good, thresholds)
    return CheckedPhoto(
        face=good[0],
        checks=list_quality_checks(good[0], thresholds),
        digest=hashlib.sha256(data).hexdigest(),
        data=data,
        width=image.width,
        height=image.height,
        embedder=engine.embedder_id,
        model=engine.model,
        same_person_threshold=engine.entry.same_person_threshold,
    )


def list_quality_checks(face: DetectedFace, thresholds: QualityThresholds) -> list[str]:
    """Return one line per check of a face; a value equal to its threshold passes.

    Displayed values are rounded down, so that a rejected value never reads like its threshold.
    """
    width, height = face.bbox[2:]
    size = f"{math.floor(height)}x{math.floor(width)}"
    return [
        _check("Size OK", "Too small", size, face.quality.size, thresholds.min_face_size),
        _check(
            "Confidence OK",
            "Confidence too low",
            _down(face.quality.confidence),
            face.quality.confidence,
            thresholds.min_confidence,
        ),
        _check(
            "Sharpness OK",
            "Too blurry",
            _down(face.quality.blur),
            face.quality.blur,
            thresholds.blur_threshold,
        ),
    ]


def _refuse(
    faces: Sequence[DetectedFace], good: Sequence[DetectedFace], thresholds: QualityThresholds
) -> None:
    """Raise the reason why these faces are not exactly one good face."""
    if not faces:
        raise NoFace("There is no face in the photo.", seen=_seen(faces, None, thresholds))
    best = max(good or faces, key=lambda face: face.quality.score)
    seen = _seen(faces, best, thresholds)
    if good:
        raise SeveralFaces(
            f"There are {len(good)} faces in the photo; send a photo of one person.", seen=seen
        )
    failed = [line for line in list_quality_checks(best, thresholds) if " OK: " not in line]
    raise PoorFace("; ".join(failed) + ".", seen=seen)


def _seen(
    faces: Sequence[DetectedFace], best: DetectedFace | None, thresholds: QualityThresholds
) -> dict[str, object]:
    """Return the detections of a rejected photo, for the answer."""
    return {
        "quality_metrics": {
            "face_size": None if best is None else [math.floor(side) for side in best.bbox[:1:-1]],
            "confidence": None if best is None else round(best.confidence, 4),
            "blur_score": None if best is None else float(_down(best.quality.blur)),
            "min_size_required": thresholds.min_face_size,
            "min_confidence_required": thresholds.min_confidence,
            "blur_threshold": thresholds.blur_threshold,
        },
        "detailed_checks": ["No face found"]
        if best is None
        else list_quality_checks(best, thresholds),
        "faces": [
            {
                "bbox": [round(side, 1) for side in face.bbox],
                "confidence": round(face.confidence, 4),
                "reason": rejection_reason(face.quality, thresholds),
            }
            for face in faces
        ],
    }


def _check(passed: str, failed: str, shown: str, value: float, least: float) -> str:
    """Return a check as a line such as ``Size OK: 120x96 >= 30``."""
    return f"{passed}: {shown} >= {least:g}" if value >= least else f"{failed}: {shown} < {least:g}"


def _down(value: float) -> str:
    """Return a number with two decimals, rounded down."""
    return f"{math.floor(value * 100) / 100:.2f}"

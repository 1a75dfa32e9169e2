"""Quality measures of a face with explicit formulas, and thresholds on them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BLUR_SIDE = 64  # px of the grey face for the Laplacian, independent of the photo's resolution
GOOD_SIZE = 112.0  # px: embedders gain nothing from larger faces
MEDIUM_BLUR = 150.0  # variance of the Laplacian at which the blur part of the score is 1/2

LEFT_EYE, RIGHT_EYE, NOSE = 0, 1, 2


@dataclass(frozen=True)
class FaceQuality:
    """Quality of a face: ``size`` is the box's shorter side in px of the original.

    ``blur`` increases with sharpness (`face_blur`), ``pose`` is 1 for a frontal face (`face_pose`)
    and ``score`` combines all of them to 0..1 (`face_score`).
    """

    size: float
    confidence: float
    blur: float
    pose: float
    score: float


@dataclass(frozen=True)
class QualityThresholds:
    """Minimum quality of a face to take part; a value equal to its threshold passes."""

    min_face_size: float = 30
    min_confidence: float = 0.4
    blur_threshold: float = 50


def rejection_reason(quality: FaceQuality, thresholds: QualityThresholds) -> str | None:
    """Return too_small, low_confidence or too_blurry for a refused face, None for a passing one."""
    if not quality.size >= thresholds.min_face_size:
        return "too_small"
    if not quality.confidence >= thresholds.min_confidence:
        return "low_confidence"
    if not quality.blur >= thresholds.blur_threshold:
        return "too_blurry"
    return None


def face_quality(
    face: NDArray[np.uint8],
    *,
    size: float,
    confidence: float,
    landmarks: NDArray[np.float32] | None,
) -> FaceQuality:
    """Measure a face: ``face`` (h, w, 3) are the pixels of its box, ``size`` px in the original."""
    blur = face_blur(face)
    pose = face_pose(landmarks)
    score = face_score(size=size, confidence=confidence, blur=blur, pose=pose)
    return FaceQuality(size=size, confidence=confidence, blur=blur, pose=pose, score=score)


def face_blur(face: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian of the grey face, resized to 64 x 64.

    The fixed size makes the value comparable between large and small photos. Area averaging is
    needed for that: halving and interpolating would blur some sizes more than others.
    """
    if face.size == 0:
        return 0.0
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if min(grey.shape) > BLUR_SIDE else cv2.INTER_LINEAR
    small = cv2.resize(grey, (BLUR_SIDE, BLUR_SIDE), interpolation=how)
    return float(cv2.Laplacian(small, cv2.CV_32F).var())


def face_pose(landmarks: NDArray[np.float32] | None) -> float:
    """Return 1 for a frontal face, 0 for a profile, 1 without landmarks.

    1 - 2 |t - 0.5|, where t is the position of the nose tip along the line from eye to eye: 0.5 is
    the middle, 0 and 1 are the eyes.
    """
    if landmarks is None:
        return 1.0
    eyes = landmarks[RIGHT_EYE].astype(np.float64) - landmarks[LEFT_EYE]
    length = float(eyes @ eyes)
    if not length > 0:
        return 0.0
    along = float((landmarks[NOSE] - landmarks[LEFT_EYE]) @ eyes) / length
    return min(max(1 - 2 * abs(along - 0.5), 0.0), 1.0)


def face_score(*, size: float, confidence: float, blur: float, pose: float) -> float:
    """Return the overall quality 0..1, the geometric mean of four parts.

    They are min(size / 112, 1), the confidence, blur / (blur + 150), and (1 + pose) / 2: for a
    profile the last part is 1/2, so the score does not become 0.
    """
    parts = (
        min(size / GOOD_SIZE, 1.0),
        min(max(confidence, 0.0), 1.0),
        blur / (blur + MEDIUM_BLUR),
        (1 + pose) / 2,
    )
    return float(np.prod(parts) ** (1 / len(parts)))

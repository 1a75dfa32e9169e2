"""What other quality thresholds would do to the faces of a collection. Reads, never writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from clustering.documents import Face, Verdict
from clustering.selectors import collection_faces
from vision import FaceQuality, QualityThresholds, refusal

SAMPLE = 500  # faces; their ids are hashes, so the first ones are as good as any
SHOWN = 12  # faces that would change, each way


@dataclass
class ThresholdsTried:
    """How many faces of a sample pass now and would pass; whom that gains and loses."""

    faces: int = 0
    kept_now: int = 0
    kept: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    gained: list[Face] = field(default_factory=list)
    lost: list[Face] = field(default_factory=list)


def thresholds_tried(
    path: str, now: QualityThresholds, other: QualityThresholds
) -> ThresholdsTried:
    """Judge a sample of a collection's faces by the thresholds in force and by others."""
    tried = ThresholdsTried()
    for face in islice(collection_faces(path), SAMPLE):
        if face.verdict not in (Verdict.KEPT, Verdict.POOR):  # a person's word stands
            continue
        quality = FaceQuality(face.size, face.confidence, face.blur, face.pose, face.quality_score)
        passed, reason = refusal(quality, now) is None, refusal(quality, other)
        tried.faces += 1
        tried.kept_now += passed
        tried.kept += reason is None
        if reason is not None:
            tried.reasons[reason] = tried.reasons.get(reason, 0) + 1
        changed = tried.gained if reason is None else tried.lost
        if passed != (reason is None) and len(changed) < SHOWN:
            changed.append(face)
    return tried

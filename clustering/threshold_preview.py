"""Effect of other quality thresholds on the faces of a collection. Read-only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clustering.documents import Face, Verdict, collection_sort_key
from storage.mongo import PREFIX_END, iter_fields
from vision import FaceQuality, QualityThresholds, rejection_reason

SAMPLE = 1000  # faces: a page in 65 ms (p95); ids are hashes, so the first are a random sample
SHOWN = 12  # changed faces shown per direction
MEASURED = ("size", "confidence", "blur", "pose", "quality_score", "verdict")
JUDGED = (Verdict.KEPT, Verdict.POOR)  # the other verdicts are by reviewers and are kept


@dataclass(frozen=True)
class MeasuredFace:
    """A face and its quality."""

    id: str
    quality: FaceQuality


@dataclass
class ThresholdPreview:
    """Faces of a sample that pass now and would pass, with the gained and lost faces."""

    faces: int = 0
    kept_now: int = 0
    kept: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    gained: list[MeasuredFace] = field(default_factory=list)
    lost: list[MeasuredFace] = field(default_factory=list)


def measure_faces(path: str, *, limit: int = SAMPLE) -> list[MeasuredFace]:
    """Return a sample of the collection's faces whose verdict depends on thresholds."""
    first = collection_sort_key(path, "")
    where = {"place": {"$gt": first, "$lt": first + PREFIX_END}}
    found = iter_fields(Face, where, MEASURED, batch=limit, order="place", limit=limit)
    return [
        MeasuredFace(
            id=one["_id"],
            quality=FaceQuality(
                size=one["size"],
                confidence=one["confidence"],
                blur=one["blur"],
                pose=one["pose"],
                score=one["quality_score"],
            ),
        )
        for one in found
        if one["verdict"] in JUDGED
    ]


def preview_thresholds(
    faces: Iterable[MeasuredFace], now: QualityThresholds, other: QualityThresholds
) -> ThresholdPreview:
    """Compare the current thresholds (``now``) with others on the same faces."""
    tried = ThresholdPreview()
    for face in faces:
        passed, reason = (
            rejection_reason(face.quality, now) is None,
            rejection_reason(face.quality, other),
        )
        tried.faces += 1
        tried.kept_now += passed
        tried.kept += reason is None
        if reason is not None:
            tried.reasons[reason] = tried.reasons.get(reason, 0) + 1
        changed = tried.gained if reason is None else tried.lost
        if passed != (reason is None) and len(changed) < SHOWN:
            changed.append(face)
    return tried

"""Digest of the inputs of a grouping: runs with equal digests have equal groups.

The digest is computed from the stored images and faces, not from a run's own counts. It therefore
changes after any write in between: by a run that was cancelled, failed, killed, previewed or
deleted, by a repair, or by a loss of documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from clustering.documents import (
    Face,
    Image,
    ImageState,
    Run,
    Verdict,
    collection_sort_key,
)
from clustering.pipeline.face_table import quality_rejection, removed_keys
from storage.mongo import iter_fields, prefix_range
from vision import QualityThresholds

_IMAGE = ("key", "state", "reason", "digest", "model", "faces")
_QUALITY = ("size", "confidence", "blur", "pose", "quality_score")
_FACE = ("_id", "key", "taken", "embedder")


@dataclass(frozen=True)
class GroupingInputs:
    """The digest, and whether stored verdicts differ from the run's quality thresholds."""

    digest: str
    has_stale_verdicts: bool


def read_grouping_inputs(run: Run) -> GroupingInputs:
    """Read the inputs that a run would group now, without vectors, in any order.

    Call it before the faces are read for grouping: a write in between then changes the digest of
    the next run.
    """
    digest, expected, has_stale_verdicts = _Digest(), set[str](), False
    for image in _images(run):
        digest.add([image.get(name) for name in _IMAGE])
        if image["state"] == ImageState.READ:
            expected.update(_faces_of(run, image))
    thresholds = QualityThresholds(**run.thresholds)
    for face in iter_fields(Face, _range(run), [*_FACE, *_QUALITY, "verdict", "reason"]):
        if face["_id"] in expected:
            quality = [float(face[name]) for name in _QUALITY]  # 1 and 1.0 are one number
            digest.add([*(face.get(name) for name in _FACE), *quality])
            has_stale_verdicts |= _is_stale(face, thresholds)
    return GroupingInputs(str(digest), has_stale_verdicts)


class _Digest:
    """A digest of a set: independent of the order in which elements are added."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, values: list[Any]) -> None:
        element = blake2b(repr(values).encode(errors="surrogatepass"), digest_size=32).digest()
        self._sum = (self._sum + int.from_bytes(element)) % (1 << 256)

    def __str__(self) -> str:
        return f"{self._sum:064x}"


def _images(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the images in the run's listing, up to the run's last key."""
    gone = removed_keys(run)
    for image in iter_fields(Image, _range(run), _IMAGE):
        if image["key"] not in gone and (not run.last_key or image["key"] <= run.last_key):
            yield image


def _faces_of(run: Run, image: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of the faces detected in an image."""
    for index in range(image["faces"]):
        yield Face.id_for(
            run.collection,
            image["key"],
            digest=image["digest"],
            model=image["model"],
            index=index,
        )


def _is_stale(face: dict[str, Any], thresholds: QualityThresholds) -> bool:
    """Return whether the thresholds imply another verdict; verdicts by reviewers are not stale."""
    if face["verdict"] not in (Verdict.KEPT, Verdict.POOR):
        return False
    reason = quality_rejection(*(face[name] for name in _QUALITY), thresholds=thresholds)
    verdict = Verdict.POOR if reason else Verdict.KEPT
    return (face["verdict"], face.get("reason", "")) != (verdict, reason)


def _range(run: Run) -> dict[str, object]:
    first = collection_sort_key(run.collection, "")
    return {"place": prefix_range(first)}

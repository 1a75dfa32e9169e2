"""What a grouping is made of, as a digest: two runs with one digest cannot differ in their groups.

It is derived from the stored images and faces, not from what a run says it has read. So it differs
after whatever wrote them meanwhile: a run that was cancelled, failed, was killed, previewed or is
deleted by now, a repair, or a loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from clustering.documents import (
    END_OF_PLACES,
    Face,
    Image,
    ImageState,
    Run,
    Verdict,
    collection_place,
)
from clustering.pipeline.face_table import quality_rejection, removed_keys
from storage.mongo import iter_fields
from vision import QualityThresholds

_IMAGE = ("key", "state", "reason", "digest", "model", "faces")
_QUALITY = ("size", "confidence", "blur", "pose", "quality_score")
_FACE = ("_id", "key", "taken", "embedder")


@dataclass(frozen=True)
class GroupingInputs:
    """The digest, and whether faces have to be judged anew under the run's thresholds."""

    digest: str
    has_stale_verdicts: bool


def read_grouping_inputs(run: Run) -> GroupingInputs:
    """Read what a run would group now, without vectors and in no order.

    Call it before the faces are read to be grouped: what is written meanwhile then makes the next
    run's digest another one.
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
    """A digest of a set: equal whatever the order in which its elements were added."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, values: list[Any]) -> None:
        element = blake2b(repr(values).encode(errors="surrogatepass"), digest_size=32).digest()
        self._sum = (self._sum + int.from_bytes(element)) % (1 << 256)

    def __str__(self) -> str:
        return f"{self._sum:064x}"


def _images(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the images that the run's listing has, as far as the run reaches."""
    gone = removed_keys(run)
    for image in iter_fields(Image, _range(run), _IMAGE):
        if image["key"] not in gone and (not run.last_key or image["key"] <= run.last_key):
            yield image


def _faces_of(run: Run, image: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of the faces that were found in an image."""
    for index in range(image["faces"]):
        yield Face.id_for(
            run.collection,
            image["key"],
            digest=image["digest"],
            model=image["model"],
            index=index,
        )


def _is_stale(face: dict[str, Any], thresholds: QualityThresholds) -> bool:
    """Say whether the thresholds give a face another verdict, unless a person gave it one."""
    if face["verdict"] not in (Verdict.KEPT, Verdict.POOR):
        return False
    reason = quality_rejection(*(face[name] for name in _QUALITY), thresholds=thresholds)
    verdict = Verdict.POOR if reason else Verdict.KEPT
    return (face["verdict"], face.get("reason", "")) != (verdict, reason)


def _range(run: Run) -> dict[str, object]:
    first = collection_place(run.collection, "")
    return {"place": {"$gte": first, "$lt": first + END_OF_PLACES}}

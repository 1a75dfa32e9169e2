"""Columns of the faces that take part in a run's grouping."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustering.context import PipelineContext
from clustering.documents import Batch, BatchState, Face, Image, ImageState, Run, Verdict
from clustering.errors import NothingReadable, PhotoCrashed
from clustering.selectors import iter_collection_faces, iter_collection_images
from storage.errors import ObjectArchived, ObjectFailing, ObjectUnreadable, ObjectVanished
from storage.mongo import bulk_upsert
from storage.vectors import VectorStore
from vision import FaceQuality, QualityThresholds, rejection_reason

NOT_READ = {
    kind.code
    for kind in (ObjectArchived, ObjectFailing, ObjectUnreadable, ObjectVanished, PhotoCrashed)
}


@dataclass(frozen=True)
class FaceTable:
    """The faces of a run as columns, sorted by id; ``vectors`` is (n, d).

    ``present`` has the ids of all faces in the bucket's photos, including excluded ones;
    ``without_vector`` and ``refused`` are the numbers of excluded faces.
    """

    ids: list[str]
    keys: list[str]
    taken: list[str]
    quality: NDArray[np.float32]
    vectors: NDArray[np.float32]
    present: set[str]
    without_vector: int
    refused: int

    def without(self, rows: set[int]) -> FaceTable:
        """Return the table without some rows, which are counted as refused."""
        kept = [row for row in range(len(self.ids)) if row not in rows]
        return replace(
            self,
            ids=[self.ids[row] for row in kept],
            keys=[self.keys[row] for row in kept],
            taken=[self.taken[row] for row in kept],
            quality=self.quality[kept],
            vectors=self.vectors[kept],
            refused=self.refused + len(rows),
        )


def face_table(run: Run, *, context: PipelineContext, wanted: Collection[str] = ()) -> FaceTable:
    """Return the faces that take part in the run, with their vectors.

    Applies the run's quality thresholds and stores changed verdicts. Faces in ``wanted`` take part
    regardless of quality, because a reviewer assigned them.
    """
    expected = faces_of_images(run)
    thresholds = QualityThresholds(**run.thresholds)
    ids, keys, taken, quality, judged, refused = [], [], [], [], [], 0
    for face in iter_collection_faces(run.collection):
        if face.id not in expected or face.embedder != run.embedder:
            continue  # its photo was read by other models and cannot be read now
        if _judge_face(face, thresholds):
            judged.append(face)
        if face.verdict == Verdict.KEPT or (
            face.verdict == Verdict.POOR and (run.skip_quality_filter or face.id in wanted)
        ):
            ids.append(face.id)
            keys.append(face.key)
            taken.append(face.taken)
            quality.append(face.quality_score)
        else:
            refused += 1
    _write_verdicts(judged, vectors=context.vectors)
    vectors, has_vector = _vectors_of(run, ids, context=context)
    kept = np.flatnonzero(has_vector)
    return FaceTable(
        ids=[ids[row] for row in kept],
        keys=[keys[row] for row in kept],
        taken=[taken[row] for row in kept],
        quality=np.asarray(quality, np.float32)[kept],
        vectors=vectors if len(kept) == len(ids) else vectors[kept],
        present=expected,
        without_vector=len(ids) - len(kept),
        refused=refused,
    )


def faces_of_images(run: Run, *, beyond_reach: bool = False) -> set[str]:
    """Return the ids of all faces in photos that are still listed.

    A run with ``max_images`` covers photos up to its last key; ``beyond_reach`` includes the rest.
    """
    return {
        Face.id_for(
            image.collection, image.key, digest=image.digest, model=image.model, index=index
        )
        for image in iter_present_images(run, beyond_reach=beyond_reach)
        if image.state == ImageState.READ
        for index in range(image.faces)
    }


def iter_present_images(run: Run, *, beyond_reach: bool = False) -> Iterator[Image]:
    """Iterate the images in the run's listing, including unreadable ones."""
    gone = removed_keys(run)
    for image in iter_collection_images(run.collection):
        in_reach = beyond_reach or not run.last_key or image.key <= run.last_key
        if in_reach and image.key not in gone:
            yield image


def check_readable(run: Run) -> None:
    """Raise NothingReadable if photos are listed, but none of them could be read."""
    first, number = None, 0
    for image in iter_present_images(run):
        if image.reason not in NOT_READ:
            return
        first, number = first or image, number + 1
    if first is not None:
        raise NothingReadable(
            f"None of the {number:,} photos under {run.collection} could be read, so nothing was "
            f"changed. The first: {first.detail} Put that right and run again."
        )


def removed_keys(run: Run) -> set[str]:
    """Return the keys of stored images that were missing in the run's listing."""
    gone = Batch.objects(claim=Batch.claim_key(run.id, BatchState.GONE))
    return {key for batch in gone for key in batch.keys}


def quality_rejection(
    size: float,
    confidence: float,
    blur: float,
    pose: float,
    score: float,
    *,
    thresholds: QualityThresholds,
) -> str:
    """Return the reason why a stored face is too poor to be grouped, or an empty string."""
    quality = FaceQuality(size=size, confidence=confidence, blur=blur, pose=pose, score=score)
    return rejection_reason(quality, thresholds) or ""


def _judge_face(face: Face, thresholds: QualityThresholds) -> bool:
    """Apply the thresholds to a face; return whether its verdict changed.

    Verdicts by reviewers are kept.
    """
    if face.verdict not in (Verdict.KEPT, Verdict.POOR):
        return False
    before = (face.verdict, face.reason)
    face.reason = quality_rejection(
        face.size,
        face.confidence,
        face.blur,
        face.pose,
        face.quality_score,
        thresholds=thresholds,
    )
    face.verdict = Verdict.POOR if face.reason else Verdict.KEPT
    return before != (face.verdict, face.reason)


def _write_verdicts(faces: list[Face], *, vectors: VectorStore) -> None:
    """Write changed verdicts to the documents and to the vector payloads."""
    bulk_upsert(Face, faces)
    for verdict in (Verdict.KEPT, Verdict.POOR):
        for embedder in {face.embedder for face in faces}:
            ids = [f.id for f in faces if f.verdict == verdict and f.embedder == embedder]
            if ids:
                vectors.set_payload(embedder, ids, {"verdict": verdict.value})


def _vectors_of(
    run: Run, ids: list[str], *, context: PipelineContext
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (n, d) vectors and an (n,) mask of the rows that have one."""
    rows = {face_id: row for row, face_id in enumerate(ids)}
    vectors = np.zeros((len(ids), context.engine.dimension), np.float32)
    has_vector = np.zeros(len(ids), bool)
    stored = context.vectors.iter_vectors(run.embedder, {"collection": run.collection})
    for batch_ids, batch_vectors in stored:
        for face_id, vector in zip(batch_ids, batch_vectors, strict=True):
            row = rows.get(face_id)
            if row is not None:
                vectors[row] = vector
                has_vector[row] = True
    return vectors, has_vector

"""Translate decisions into constraints on the rows of a run's faces.

Decisions refer to face ids. A face whose photo was moved is recognised by its embedding: the same
vector, up to the differences of decoding the same picture again, is the same face in another file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustering.decisions.documents import SAME_PICTURE, DecidedFace
from clustering.decisions.state import DecisionState
from clustering.documents import Face, Run, Verdict, collection_sort_key
from clustering.grouping import Constraints
from clustering.pipeline.face_table import FaceTable
from clustering.selectors import get_faces_by_id, iter_pages
from storage.mongo import bulk_upsert
from storage.vectors import VectorStore

BLOCK = 4096
VERDICT_OF_EVENT = {"not_a_face": Verdict.NOT_A_FACE, "ignore": Verdict.IGNORED}


@dataclass(frozen=True)
class RowConstraints:
    """The decision state, and the row of each face with decisions.

    ``kept`` is the person of each row without decisions whose person was shaped by a reviewer.
    """

    state: DecisionState
    rows: dict[str, int]
    kept: dict[int, str] = field(default_factory=dict)

    def row_persons(self) -> dict[int, str]:
        """Return the person of each anchored row."""
        anchors = self.state.anchors().items()
        decided = {self.rows[face]: person for face, person in anchors if face in self.rows}
        return self.kept | decided

    def constraints(self, keys: list[str]) -> Constraints:
        """Return the constraints of the grouping; ``keys`` are the photos of the rows."""
        anchored = self.row_persons()
        numbers = {person: n for n, person in enumerate(sorted(set(anchored.values())))}
        anchors = np.full(len(keys), -1, np.int64)
        for row, person in anchored.items():
            anchors[row] = numbers[person]
        photos = {key: n for n, key in enumerate(dict.fromkeys(keys))}
        return Constraints(
            cannot_link=self._cannot_link(anchored),
            anchors=anchors,
            singletons=np.asarray(self._singletons(anchored), np.int64),
            images=np.asarray([photos[key] for key in keys], np.int64),
            same_image_allowed=self._same_image_allowed(),
        )

    def _cannot_link(self, anchored: dict[int, str]) -> NDArray[np.int64]:
        """Return (k, 2) rows: a rejected face and one face of the person it was rejected from."""
        one_of: dict[str, dict[str, int]] = {}
        for row, person in anchored.items():
            one_of.setdefault(self.state.identity(person), {})[person] = row
        pairs = [
            (self.rows[face], row)
            for face, rejected in self.state.rejected.items()
            for identity in {self.state.identity(person) for person in rejected}
            for row in one_of.get(identity, {}).values()
            if face in self.rows and self.rows[face] != row
        ]
        return np.asarray(sorted(set(pairs)), np.int64).reshape(-1, 2)

    def _singletons(self, anchored: dict[int, str]) -> list[int]:
        rows = {self.rows[face] for face in self.state.singletons if face in self.rows}
        return sorted(rows - anchored.keys())

    def _same_image_allowed(self) -> NDArray[np.int64]:
        pairs = [
            sorted(self.rows[face] for face in pair)
            for pair in self.state.same_image_allowed
            if all(face in self.rows for face in pair)
        ]
        return np.asarray(pairs, np.int64).reshape(-1, 2)


def rewrite_verdicts(state: DecisionState, *, vectors: VectorStore) -> None:
    """Restore reviewers' verdicts on faces whose documents were rewritten since."""
    changed = []
    for face in get_faces_by_id(list(state.out)).values():
        said = VERDICT_OF_EVENT[state.out[face.id][0].value]
        if face.verdict != said:
            face.verdict = said
            changed.append(face)
    bulk_upsert(Face, changed)
    for face in changed:
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})


def rows_of_decided_faces(
    run: Run, state: DecisionState, table: FaceTable, *, vectors: VectorStore
) -> dict[str, int]:
    """Return the row of each face with decisions, also if its photo was renamed or moved."""
    rows = {face: row for row, face in enumerate(table.ids)}
    found = {face: rows[face] for face in state.faces() if face in rows}
    present = set(table.present)
    lost = sorted(face for face in state.faces() if face not in rows and face not in present)
    free = np.asarray([row for face, row in rows.items() if face not in found], np.int64)
    if not lost or not len(free):
        return found
    vectors_by_face = _vectors_of_faces(run, lost, vectors=vectors)
    return found | _match_same_pictures(vectors_by_face, table.vectors, free)


def rows_of_shaped_persons(
    state: DecisionState, ids: list[str], before: Mapping[str, str]
) -> dict[int, str]:
    """Return the person of rows without decisions that belong to a person shaped by a reviewer.

    ``before`` is the person of each face in the current run. A reviewer who added or removed faces
    of a person has seen the rest, so a regrouping does not remove these faces from the person.
    """
    shaped = state.shaped()
    found: dict[int, str] = {}
    for row, face in enumerate(ids):
        person = state.root(before.get(face, ""))
        if person in shaped and state.is_open(face) and not state.is_rejected(face, person):
            found[row] = person
    return found


def exclude_recognised_faces(
    decided: RowConstraints, table: FaceTable, *, vectors: VectorStore
) -> FaceTable:
    """Copy the verdicts ignored and not-a-face to the same faces in other files.

    Writes documents and payloads, and returns the table without these faces.
    """
    rows = {decided.rows[face]: face for face in decided.state.out if face in decided.rows}
    if not rows:
        return table
    for face in get_faces_by_id([table.ids[row] for row in rows]).values():
        known = rows[table.ids.index(face.id)]
        face.verdict = VERDICT_OF_EVENT[decided.state.out[known][0].value]
        face.save()
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})
    return table.without(set(rows))


def remember_decided_faces(
    faces: list[Face], state: DecisionState, *, vectors: VectorStore
) -> None:
    """Store the embeddings of faces with decisions before the faces are removed."""
    known = state.faces()
    decided = [face for face in faces if face.id in known]
    vectors_by_face: dict[str, NDArray[np.float32]] = {}
    for embedder in {face.embedder for face in decided}:
        ids = [face.id for face in decided if face.embedder == embedder]
        vectors_by_face |= vectors.retrieve(embedder, ids)
    bulk_upsert(
        DecidedFace,
        [
            DecidedFace(
                id=face.id,
                collection=face.collection,
                sort_key=collection_sort_key(face.collection, face.id),
                embedder=face.embedder,
                vector=vectors_by_face[face.id].astype("<f4").tobytes(),
            )
            for face in decided
            if face.id in vectors_by_face
        ],
    )


def _vectors_of_faces(
    run: Run, faces: list[str], *, vectors: VectorStore
) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of faces that are not in the table, if made by the same embedder."""
    vectors_by_face = dict(vectors.retrieve(run.embedder, faces))
    wanted = set(faces) - vectors_by_face.keys()
    if wanted:
        first = collection_sort_key(run.collection, "")
        for known in iter_pages(DecidedFace, first):
            if known.id in wanted and known.embedder == run.embedder:
                vectors_by_face[known.id] = np.frombuffer(known.vector, "<f4")
    return vectors_by_face


def _match_same_pictures(
    vectors_by_face: dict[str, NDArray[np.float32]],
    vectors: NDArray[np.float32],
    free: NDArray[np.int64],
) -> dict[str, int]:
    """Return for each face the row in ``free`` that shows the same picture, if any."""
    found: dict[str, int] = {}
    faces = list(vectors_by_face)
    for first in range(0, len(faces), BLOCK):
        part = faces[first : first + BLOCK]
        similarity = np.stack([vectors_by_face[face] for face in part]) @ vectors[free].T
        best = similarity.argmax(axis=1)
        for n, face in enumerate(part):
            if similarity[n, best[n]] >= SAME_PICTURE:
                found[face] = int(free[best[n]])
    return found

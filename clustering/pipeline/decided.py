"""What people decided, as constraints on the rows of a run's faces.

A decision names faces. A face that is gone from its place is known again by what it looks like: the
same vector, within what decoding the same picture again changes, is the same face in another file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustering.decisions.documents import SAME_PICTURE, DecidedFace
from clustering.decisions.law import Law
from clustering.documents import Face, Run, Verdict, collection_place
from clustering.grouping import Constraints
from clustering.pipeline.face_table import FaceTable
from clustering.selectors import faces_by_id, page_all
from storage.mongo import bulk_upsert
from storage.vectors import VectorStore

BLOCK = 4096
SAID = {"not_a_face": Verdict.NOT_A_FACE, "ignore": Verdict.IGNORED}


@dataclass(frozen=True)
class Decided:
    """The law, the row of each face it speaks of, and the persons of rows that stay as they are."""

    law: Law
    rows: dict[str, int]
    kept: dict[int, str] = field(default_factory=dict)

    def row_persons(self) -> dict[int, str]:
        """Return the person of each anchored row."""
        anchors = self.law.anchors().items()
        decided = {self.rows[face]: person for face, person in anchors if face in self.rows}
        return self.kept | decided

    def constraints(self, keys: list[str]) -> Constraints:
        """Return what the grouping has to obey; ``keys`` are the photos of the rows."""
        anchored = self.row_persons()
        numbers = {person: n for n, person in enumerate(sorted(set(anchored.values())))}
        anchors = np.full(len(keys), -1, np.int64)
        for row, person in anchored.items():
            anchors[row] = numbers[person]
        photos = {key: n for n, key in enumerate(dict.fromkeys(keys))}
        return Constraints(
            apart=self._apart(anchored),
            anchors=anchors,
            alone=np.asarray(self._alone(anchored), np.int64),
            images=np.asarray([photos[key] for key in keys], np.int64),
            twice=self._twice(),
        )

    def _apart(self, anchored: dict[int, str]) -> NDArray[np.int64]:
        """Return pairs of a rejected face and one face of whom it was rejected from."""
        one_of: dict[str, dict[str, int]] = {}
        for row, person in anchored.items():
            one_of.setdefault(self.law.identity(person), {})[person] = row
        pairs = [
            (self.rows[face], row)
            for face, rejected in self.law.rejected.items()
            for identity in {self.law.identity(person) for person in rejected}
            for row in one_of.get(identity, {}).values()
            if face in self.rows and self.rows[face] != row
        ]
        return np.asarray(sorted(set(pairs)), np.int64).reshape(-1, 2)

    def _alone(self, anchored: dict[int, str]) -> list[int]:
        rows = {self.rows[face] for face in self.law.alone if face in self.rows}
        return sorted(rows - anchored.keys())

    def _twice(self) -> NDArray[np.int64]:
        pairs = [
            sorted(self.rows[face] for face in pair)
            for pair in self.law.twice
            if all(face in self.rows for face in pair)
        ]
        return np.asarray(pairs, np.int64).reshape(-1, 2)


def verdicts_keep(law: Law, *, vectors: VectorStore) -> None:
    """Write again what people said of faces whose documents were written anew since."""
    changed = []
    for face in faces_by_id(list(law.out)).values():
        said = SAID[law.out[face.id][0].value]
        if face.verdict != said:
            face.verdict = said
            changed.append(face)
    bulk_upsert(Face, changed)
    for face in changed:
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})


def decided_rows(run: Run, law: Law, table: FaceTable, *, vectors: VectorStore) -> dict[str, int]:
    """Return the row of each decided face, under whatever name its photo lies there now."""
    rows = {face: row for row, face in enumerate(table.ids)}
    found = {face: rows[face] for face in law.faces() if face in rows}
    present = set(table.present)
    lost = sorted(face for face in law.faces() if face not in rows and face not in present)
    free = np.asarray([row for face, row in rows.items() if face not in found], np.int64)
    if not lost or not len(free):
        return found
    looks = _looks_of(run, lost, vectors=vectors)
    return found | _recognised(looks, table.vectors, free)


def rows_kept(law: Law, ids: list[str], before: Mapping[str, str]) -> dict[int, str]:
    """Return the person of each row that nobody decided about, of a person whom somebody shaped.

    ``before`` is the person of each face as readers see it. Who looked at a person, took some out
    or put some in, saw the rest: nobody leaves for what a machine thinks of it now.
    """
    shaped = law.shaped()
    found: dict[int, str] = {}
    for row, face in enumerate(ids):
        person = law.root(before.get(face, ""))
        if person in shaped and law.is_open(face) and not law.is_rejected(face, person):
            found[row] = person
    return found


def recognised_out(decided: Decided, table: FaceTable, *, vectors: VectorStore) -> FaceTable:
    """Say again of faces in other files that they are none or ignored; return the others."""
    rows = {decided.rows[face]: face for face in decided.law.out if face in decided.rows}
    if not rows:
        return table
    for face in faces_by_id([table.ids[row] for row in rows]).values():
        known = rows[table.ids.index(face.id)]
        face.verdict = SAID[decided.law.out[known][0].value]
        face.save()
        vectors.set_payload(face.embedder, [face.id], {"verdict": face.verdict.value})
    return table.without(set(rows))


def faces_remember(faces: list[Face], law: Law, *, vectors: VectorStore) -> None:
    """Keep what decided faces look like before they are removed."""
    known = law.faces()
    decided = [face for face in faces if face.id in known]
    looks: dict[str, NDArray[np.float32]] = {}
    for embedder in {face.embedder for face in decided}:
        ids = [face.id for face in decided if face.embedder == embedder]
        looks |= vectors.retrieve(embedder, ids)
    bulk_upsert(
        DecidedFace,
        [
            DecidedFace(
                id=face.id,
                collection=face.collection,
                place=collection_place(face.collection, face.id),
                embedder=face.embedder,
                vector=looks[face.id].astype("<f4").tobytes(),
            )
            for face in decided
            if face.id in looks
        ],
    )


def _looks_of(
    run: Run, faces: list[str], *, vectors: VectorStore
) -> dict[str, NDArray[np.float32]]:
    """Return the vectors of faces whose photos moved or left, as far as they are comparable."""
    looks = dict(vectors.retrieve(run.embedder, faces))
    wanted = set(faces) - looks.keys()
    if wanted:
        first = collection_place(run.collection, "")
        for known in page_all(DecidedFace, first):
            if known.id in wanted and known.embedder == run.embedder:
                looks[known.id] = np.frombuffer(known.vector, "<f4")
    return looks


def _recognised(
    looks: dict[str, NDArray[np.float32]], vectors: NDArray[np.float32], free: NDArray[np.int64]
) -> dict[str, int]:
    """Return the free row that is the same picture of each face, where there is one."""
    found: dict[str, int] = {}
    faces = list(looks)
    for first in range(0, len(faces), BLOCK):
        part = faces[first : first + BLOCK]
        similarity = np.stack([looks[face] for face in part]) @ vectors[free].T
        best = similarity.argmax(axis=1)
        for n, face in enumerate(part):
            if similarity[n, best[n]] >= SAME_PICTURE:
                found[face] = int(free[best[n]])
    return found
